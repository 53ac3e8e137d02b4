import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { NasError } from '../base/errors.js';
import { namedWeights } from '../spaces/models/index.js';
import { readTensorFile, writeTensorFile, type StateTensor } from './tensor-file.js';

/** The weights and batch norm statistics of a model by stable name, copied. */
export function weightsOf(model: tfl.LayersModel): Map<string, StateTensor> {
  return new Map(
    namedWeights(model).map(({ name, variable }) => [
      name,
      { shape: variable.shape, data: Float32Array.from(variable.dataSync()) },
    ]),
  );
}

/** Sets variables to values of the same names and shapes; @throws Error when one is missing or has another shape. */
export function assignAll(variables: ReadonlyMap<string, tf.Variable>, values: ReadonlyMap<string, StateTensor>): void {
  for (const [name, variable] of variables) {
    const value = values.get(name);
    if (value === undefined) throw new Error(`there is no value for ${name}`);
    if (String(value.shape) !== String(variable.shape))
      throw new Error(`${name} has shape [${value.shape}], expected [${variable.shape}]`);
    tf.tidy(() => variable.assign(tf.tensor(value.data, variable.shape, 'float32')));
  }
}

/**
 * Writes a model's weights, atomically.
 * @param meta anything to keep with them, as JSON
 */
export function saveWeights(model: tfl.LayersModel, file: string, meta: unknown = {}): void {
  writeTensorFile(file, meta, weightsOf(model));
}

/**
 * Gives a model the weights in a file that `saveWeights` or `fit` wrote.
 * @throws NasError `failure` when the file is damaged or holds another network's weights
 */
export function loadWeights(model: tfl.LayersModel, file: string): void {
  const { tensors } = readTensorFile(file);
  try {
    assignAll(new Map(namedWeights(model).map(({ name, variable }) => [name, variable])), tensors);
  } catch (cause) {
    throw new NasError('failure', `${file} does not hold the weights of this network: ${(cause as Error).message}`, {
      cause,
    });
  }
}
