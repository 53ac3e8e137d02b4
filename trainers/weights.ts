import * as tf from '@tensorflow/tfjs-core';
import { NasError } from '../base/errors.js';
import { contentHash } from '../base/hash.js';
import type { Network } from '../spaces/index.js';
import { weightsFrom, weightSpecs, type Weights } from '../spaces/models/index.js';
import { readTensorFile, writeTensorFile } from './tensor-file.js';

/** Sets variables to values of the same names and shapes; @throws Error when one is missing or has another shape. */
export function assignAll(variables: ReadonlyMap<string, tf.Variable>, values: Weights): void {
  const value = weightsFrom(values);
  for (const [name, variable] of variables) tf.tidy(() => variable.assign(value(name, variable.shape)));
}

/**
 * Writes a network's weights, atomically.
 * @param meta anything to keep with them, as JSON
 */
export function saveWeights(weights: Weights, file: string, meta: unknown = {}): void {
  writeTensorFile(file, meta, weights);
}

/**
 * A network's weights from a file that `saveWeights` or `fit` wrote.
 * @throws NasError `failure` when the file is damaged or holds another network's weights
 */
export function readWeights(network: Network, file: string): Weights {
  const { tensors } = readTensorFile(file);
  for (const { name, shape } of weightSpecs(network)) {
    const found = tensors.get(name);
    if (String(found?.shape) === String(shape)) continue;
    const what = found ? `${name} has shape [${found.shape}], expected [${shape}]` : `there is no value for ${name}`;
    throw new NasError('failure', `${file} does not hold the weights of this network: ${what}`);
  }
  return tensors;
}

/** A hash of a file's weights alone: the file may also say how long training took. */
export function weightsHash(file: string): string {
  const { tensors } = readTensorFile(file);
  return contentHash(
    'weights',
    ...[...tensors].flatMap(([name, { shape, data }]) => [
      name,
      shape,
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    ]),
  );
}
