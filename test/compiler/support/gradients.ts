import * as tf from '@tensorflow/tfjs-core';
import { Random } from '../../../base/random.js';
import type { HostTensor } from '../../../compiler/index.js';
import type { Inputs, TensorFunction } from './reference.js';
import { product } from '../../../base/statistics.js';

/** Fixed normal values, so that the gradients of a function's outputs are not all multiplied by one. */
const weightsOf = (shape: readonly number[]): tf.Tensor => {
  const random = new Random(7, 'output weights', ...shape);
  const size = product(shape);
  const data = Float32Array.from({ length: size }, () => random.normal());
  return tf.tensor(data, [...shape]);
};

/** The sum of all elements, each with its own fixed weight: a scalar that depends on every output. */
export const weightedSum = (y: tf.Tensor): tf.Scalar =>
  tf.sum<tf.Scalar>(tf.mul(tf.cast(y, 'float32'), weightsOf(y.shape)));

/** The function's output, and the gradients of its weighted sum by the named inputs. */
export function withInputGradients(f: (inputs: Inputs) => tf.Tensor, names: readonly string[]): TensorFunction {
  return (inputs) => {
    const gradients = tf.grads((...values: tf.Tensor[]) =>
      weightedSum(f({ ...inputs, ...Object.fromEntries(names.map((name, i) => [name, values[i]])) })),
    )(names.map((name) => inputs[name]));
    return {
      output: f(inputs),
      ...Object.fromEntries(names.map((name, i) => [`d/${name}`, gradients[i]])),
    };
  };
}

/** The value of a scalar function and its gradients by trainable variables. */
export function withVariableGradients(loss: (inputs: Inputs) => tf.Tensor, wrt?: tf.Variable[]): TensorFunction {
  return (inputs) => {
    const { value, grads } = tf.variableGrads(() => loss(inputs) as tf.Scalar, wrt);
    return { value, ...Object.fromEntries(Object.entries(grads).map(([name, grad]) => [`d/${name}`, grad])) };
  };
}

/** The slopes of the function's weighted sum at `x`, from its values `step` to both sides. */
export const slopesOf = (f: (x: tf.Tensor) => tf.Tensor, { data, shape }: HostTensor, step: number): Float32Array =>
  Float32Array.from(data, (value, i) => {
    const [up, down] = [step, -step].map((by) => {
      const moved = Float32Array.from(data).fill(value + by, i, i + 1);
      return tf.tidy(() => weightedSum(f(tf.tensor(moved, [...shape]))).dataSync()[0]);
    });
    return (up - down) / (2 * step);
  });
