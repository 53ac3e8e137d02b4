import * as tf from '@tensorflow/tfjs-core';
import { Random, type StreamKey } from '../../../base/random.js';
import type { HostTensor } from '../../../compiler/index.js';
import { product } from '../../../base/statistics.js';

export type Samples = Readonly<Record<string, HostTensor>>;

/** Draws reproducible input values: the same name gives the same values. */
export class Sampler {
  private readonly random: Random;

  constructor(...name: readonly StreamKey[]) {
    this.random = new Random(20_240_501, ...name);
  }

  /** Normally distributed values. */
  normal(shape: readonly number[], scale = 1): HostTensor {
    return this.float(shape, () => scale * this.random.normal());
  }

  /** Uniform values in [low, high). */
  between(low: number, high: number, shape: readonly number[]): HostTensor {
    return this.float(shape, () => low + (high - low) * this.random.uniform());
  }

  /** Whole numbers in [low, high). */
  int(low: number, high: number, shape: readonly number[]): HostTensor {
    return {
      dtype: 'int32',
      shape,
      data: Int32Array.from({ length: product(shape) }, () => low + this.random.int(high - low)),
    };
  }

  /** Each of `values` at a random place, repeated to fill the shape. */
  mixed(values: readonly number[], shape: readonly number[]): HostTensor {
    return this.float(shape, () => this.random.pick(values));
  }

  /** One-hot rows [batch, classes]. */
  labels(batch: number, classes: number): HostTensor {
    const data = new Float32Array(batch * classes);
    for (let row = 0; row < batch; row++) data[row * classes + this.random.int(classes)] = 1;
    return { dtype: 'float32', shape: [batch, classes], data };
  }

  private float(shape: readonly number[], draw: () => number): HostTensor {
    return { dtype: 'float32', shape, data: Float32Array.from({ length: product(shape) }, draw) };
  }
}

/** The tensor of a sample on the active backend. */
export const toTensor = (sample: HostTensor): tf.Tensor =>
  tf.tensor(sample.data.slice(), [...sample.shape], sample.dtype);
