import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { writeFileAtomic } from '../base/files.js';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { runOnnx } from '../compiler/index.js';
import { NasError } from '../base/errors.js';
import { Random } from '../base/random.js';
import { classification } from '../base/task.js';
import { answers, type Model, toLayersModel, toOnnx } from '../spaces/models/index.js';
import { writeFacts } from './facts.js';
import { metadataProps, type ModelMetadata } from './metadata.js';

/** Brotli's best quality takes seconds a megabyte; beyond 4 MiB, quality 6 is 3 % larger and ten times as fast. */
const large = { bytes: 4 * 2 ** 20, quality: 6 };

/** Writes a file and, beside it, its compressed forms for servers of static files: `model.onnx.br`, `model.onnx.gz`. */
export async function writeCompressed(path: string, content: Uint8Array): Promise<void> {
  const quality = content.byteLength > large.bytes ? large.quality : constants.BROTLI_MAX_QUALITY;
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(content, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: quality,
        [constants.BROTLI_PARAM_SIZE_HINT]: content.byteLength,
      },
    }),
    promisify(gzip)(content, { level: constants.Z_BEST_COMPRESSION }),
  ]);
  writeFileAtomic(path, content);
  writeFileAtomic(`${path}.br`, br);
  writeFileAtomic(`${path}.gz`, gz);
}

/**
 * A trained model as a plain ONNX file (opset 18): input `input` [N, height, width, channels] float32, normalised as
 * the metadata says; output `logits` [N, classes or labels], or `numbers` [N, numbers] in their own units, or the maps `classes` and `boxes` of a
 * detector; weights and metadata inside.
 */
export const exportOnnx = (model: Model, metadata: ModelMetadata): Uint8Array =>
  toOnnx(model, {
    task: metadata.task,
    ...(metadata.experiment !== undefined && { name: metadata.experiment }),
    metadata: metadataProps(metadata),
  });

/**
 * Runs an exported file and the model it came from on the same two random images.
 *
 * @returns the largest difference between outputs, relative to the largest output.
 * @throws NasError `failure` when it is above 1e-3.
 */
export async function checkExport(bytes: Uint8Array, model: Model, task = classification): Promise<number> {
  const shape = [2, ...model.network.input];
  const random = new Random(0, 'check-export');
  const values = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.normal());
  const outputs = tf.tidy(() => answers(model, task, tf.tensor(values, shape)));
  const expected = Float32Array.from(await outputs.data());
  outputs.dispose();
  const actual = await runOnnx(bytes, 'the exported model', values, shape);
  const largest = expected.reduce((top, value) => Math.max(top, Math.abs(value)), 1e-6);
  const difference = expected.reduce((top, value, i) => Math.max(top, Math.abs(value - actual[i])), 0) / largest;
  if (actual.length === expected.length && difference <= 1e-3) return difference;
  throw new NasError(
    'failure',
    `the exported model differs from the network: outputs differ by ${difference.toExponential(1)} of the largest`,
  );
}

/**
 * Writes the files that deploy an ONNX model: `model.onnx`, `metadata.json` (the metadata inside the model, for programs
 * that cannot read it there) and `labels.txt` (one class a line, in the order of the outputs).
 */
export function writeBundle(directory: string, model: Uint8Array, metadata: ModelMetadata): void {
  writeFileAtomic(join(directory, 'model.onnx'), model);
  writeFacts(directory, metadata);
}

const weightsFile = 'weights.bin';

/**
 * Writes a trained model as TF.js reads it (`tf.loadLayersModel`): `model.json`, `weights.bin`, and `metadata.json` and `labels.txt`
 * with what a program needs to use it. Creates the directory if it is missing.
 */
export async function exportTfjs(model: Model, metadata: ModelMetadata, directory: string): Promise<void> {
  const layers = toLayersModel(model, metadata.task);
  await layers.save(
    tf.io.withSaveHandler(({ modelTopology, weightSpecs, weightData, format, generatedBy, convertedBy }) => {
      const manifest = {
        format,
        generatedBy,
        convertedBy: convertedBy ?? null,
        modelTopology,
        weightsManifest: [{ paths: [weightsFile], weights: weightSpecs }],
      };
      writeFileAtomic(join(directory, weightsFile), new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData)));
      writeFacts(directory, metadata);
      writeFileAtomic(join(directory, 'model.json'), JSON.stringify(manifest));
      return Promise.resolve({
        modelArtifactsInfo: { dateSaved: new Date(metadata.created), modelTopologyType: 'JSON' },
      });
    }),
  );
  layers.dispose();
}
