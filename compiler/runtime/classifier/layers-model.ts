import { readFile } from 'node:fs/promises';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { io } from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../../base/errors.js';
import {
  checkSignature,
  type ClassifierFacts,
  type ClassifierSignature,
  factsOf,
  type SignatureEnd,
} from './signature.js';
import type { TensorInfo } from '../../onnx/file.js';

/** The used parts of a `model.json`. */
const modelJson = z.object({
  format: z.string().optional(),
  modelTopology: z.record(z.string(), z.unknown()),
  weightsManifest: z.array(
    z.object({
      paths: z.array(z.string()),
      weights: z.array(z.looseObject({ name: z.string(), shape: z.array(z.number()), dtype: z.string() })),
    }),
  ),
  userDefinedMetadata: z.record(z.string(), z.unknown()).optional(),
});

const metadataJson = z.record(z.string(), z.unknown());

/** A TF.js layers model from a folder. */
export interface LoadedLayersModel {
  readonly model: tfl.LayersModel;
  /** From the file's own metadata, and from `metadata.json` beside it, which nas exports. */
  readonly facts: ClassifierFacts;
}

const fileOf = (path: string): string =>
  existsSync(path) && statSync(path).isDirectory() ? join(path, 'model.json') : path;

function refused(file: string, cause: unknown): Error {
  const what = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
  // Messages of TF.js may hold the whole model.
  const text = what.length > 150 ? `${what.slice(0, 150)}...` : what;
  return invalidInput(`the TF.js model ${file} cannot be loaded: ${text}`, {
    hint: 'It must be a folder with model.json (a layers model, as model.save writes it) and its weight files.',
    cause,
  });
}

/**
 * Reads the `model.json` of a TF.js layers model, without its weights.
 * @param path the folder of the model, or that file
 * @throws NasError `invalid-input` when it is missing or damaged, or of a graph model
 */
export async function readModelJson(path: string): Promise<z.output<typeof modelJson>> {
  const file = fileOf(path);
  let json: z.output<typeof modelJson>;
  try {
    json = modelJson.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    throw refused(file, cause);
  }
  if (json.format !== 'graph-model' && !('node' in json.modelTopology)) return json;
  throw invalidInput(`${file} is a TF.js graph model; only layers models, which model.save writes, are read`, {
    hint: 'Convert the original to ONNX (tf2onnx), or to a layers model (tensorflowjs_converter).',
  });
}

/**
 * Loads a TF.js layers model from files.
 * @param path the folder with `model.json` and the weights, or that file
 * @throws NasError `invalid-input` when it is missing or damaged, or a graph model
 */
export async function loadLayersModel(path: string): Promise<LoadedLayersModel> {
  const file = fileOf(path);
  const json = await readModelJson(path);
  // Else TF.js advertises its native backend when the weights are made.
  tf.enableProdMode();
  try {
    const paths = json.weightsManifest.flatMap((group) => group.paths);
    const parts = await Promise.all(paths.map((part) => readFile(join(dirname(file), part))));
    const data = Buffer.concat(parts);
    const handler: io.IOHandler = {
      load: () =>
        Promise.resolve({
          modelTopology: json.modelTopology,
          // modelJson checks the shape, TF.js the entries.
          weightSpecs: json.weightsManifest.flatMap((group) => group.weights) as unknown as io.WeightsManifestEntry[],
          weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
        }),
    };
    const beside = join(dirname(file), 'metadata.json');
    const said = existsSync(beside) ? metadataJson.parse(JSON.parse(await readFile(beside, 'utf8'))) : {};
    return { model: await tfl.loadLayersModel(handler), facts: factsOf({ ...json.userDefinedMetadata, ...said }) };
  } catch (cause) {
    throw refused(file, cause);
  }
}

/** What a layer computes last. */
function endOf(layer: tfl.layers.Layer): SignatureEnd | null {
  const name = layer.getClassName() === 'Softmax' ? 'softmax' : layer.getConfig()['activation'];
  return name === 'softmax' || name === 'sigmoid' || name === 'linear' ? name : null;
}

/**
 * The signature of a layers model as an image classifier.
 * @param where names the model in errors
 * @throws NasError `invalid-input` when it is none (see `checkSignature`)
 */
export function layersSignature({ model, facts }: LoadedLayersModel, where: string): ClassifierSignature {
  const describe = ({ name, dtype, shape }: tfl.SymbolicTensor): TensorInfo => ({
    name,
    type: dtype,
    shape: shape.map((size) => size ?? '?'),
  });
  return {
    ...checkSignature(model.inputs.map(describe), model.outputs.map(describe), where),
    facts: { layout: 'NHWC', ...facts },
    end: endOf(model.outputs[0].sourceLayer),
  };
}
