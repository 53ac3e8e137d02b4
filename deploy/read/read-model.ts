import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { invalidInput, messageOf } from '../../base/errors.js';
import { readInput } from '../../base/files.js';
import { parseOnnx } from '../../compiler/index.js';
import type { Network } from '../../spaces/index.js';
import { weightSpecs, type Model, type Weights } from '../../spaces/models/index.js';
import { modelMetadataSchema, readMetadata, type ModelMetadata } from '../metadata.js';
import { layersModelWeights } from './layers-model-weights.js';
import { onnxWeights } from './onnx-weights.js';

/** A model that this package exported, read back: it computes what the file does. */
export interface ReadModel {
  readonly model: Model;
  readonly metadata: Partial<ModelMetadata>;
  /**
   * Whether batch norm is folded into the kernels: it then has no statistics, and in training the network would compute
   * something else.
   */
  readonly folded: boolean;
}

/** @throws NasError `invalid-input` when the file does not say which network it is. */
function networkOf({ network }: Partial<ModelMetadata>, where: string): Network {
  if (network !== undefined) return network;
  throw invalidInput(`${where} does not say which network it is`, {
    hint: 'Only files that nas exported do: nas export --to onnx or --to tfjs.',
  });
}

function readOnnx(path: string): ReadModel {
  const bytes = readInput(path);
  const file = parseOnnx(bytes, path);
  const metadata = readMetadata(bytes);
  const network = networkOf(metadata, path);
  return { model: { network, weights: onnxWeights(file, network, path) }, metadata, folded: true };
}

/** What `exportTfjs` wrote beside a `model.json`; nothing when it is another's. */
function metadataBeside(path: string): Partial<ModelMetadata> {
  const file = join(dirname(path), 'metadata.json');
  if (!existsSync(file)) return {};
  try {
    return modelMetadataSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    const what = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    throw invalidInput(`${file} is damaged: ${what}`, { hint: 'Export the model again.', cause });
  }
}

function readLayersModel(path: string): ReadModel {
  const metadata = metadataBeside(path);
  const network = networkOf(metadata, path);
  const weights: Weights = layersModelWeights(path);
  const wrong = weightSpecs(network).find(({ name, shape }) => String(weights.get(name)?.shape) !== String(shape));
  if (wrong === undefined) return { model: { network, weights }, metadata, folded: false };
  throw invalidInput(
    `${path} does not hold the network of its metadata.json: ${wrong.name} is not there as it should be`,
    {
      hint: 'Export the model again.',
    },
  );
}

/**
 * Reads a model back that this package exported.
 * @param path an ONNX file, or a `model.json` with its weights and its `metadata.json` beside it
 * @throws NasError `invalid-input` when it is missing, damaged, or does not say which network it is
 */
export const readModel = (path: string): ReadModel => (path.endsWith('.json') ? readLayersModel(path) : readOnnx(path));
