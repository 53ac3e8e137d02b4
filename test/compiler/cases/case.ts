import type * as tf from '@tensorflow/tfjs-core';
import { withInputGradients } from '../support/gradients.js';
import type { Inputs, TensorFunction } from '../support/reference.js';
import type { Sampler, Samples } from '../support/samples.js';

/** One operation at one set of shapes and options, compared with TF.js's cpu backend. */
export interface Case {
  readonly name: string;
  readonly inputs: (sample: Sampler) => Samples;
  readonly f: (inputs: Inputs) => tf.Tensor;
  /** The inputs by which it is differentiated; none by default. */
  readonly gradients?: readonly string[];
  readonly tolerance?: number;
  /** Inputs with no values at the edge: indices, which must exist. */
  readonly kept?: readonly string[];
}

/** A case of one float input `x`, differentiated by it. */
export const ofOne = (name: string, shape: readonly number[], f: (x: tf.Tensor) => tf.Tensor): Case => ({
  name,
  inputs: (sample) => ({ x: sample.normal(shape) }),
  f: (inputs) => f(inputs['x']),
  gradients: ['x'],
});

/** A case of two float inputs `a` and `b`, differentiated by both. */
export const ofTwo = (
  name: string,
  a: readonly number[],
  b: readonly number[],
  f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
): Case => ({
  name,
  inputs: (sample) => ({ a: sample.normal(a), b: sample.normal(b) }),
  f: (inputs) => f(inputs['a'], inputs['b']),
  gradients: ['a', 'b'],
});

/** The same case without gradients: for functions that TF.js does not differentiate. */
export const forwardOnly = (of: Case): Case => ({ ...of, name: `${of.name} (forward)`, gradients: [] });

/** The function of a case, with its gradients. */
export const functionOf = ({ f, gradients = [] }: Case): TensorFunction =>
  gradients.length > 0 ? withInputGradients(f, gradients) : f;
