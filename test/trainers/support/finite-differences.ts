import * as tf from '@tensorflow/tfjs-core';

/** The gradient of a scalar function at `x` by central differences; float32, so good to about three digits. */
export function finiteDifferences(
  f: (x: tf.Tensor2D) => tf.Tensor,
  x: readonly (readonly number[])[],
  step = 1e-2,
): number[] {
  const at = (row: number, column: number, delta: number): number =>
    tf.tidy(() => {
      const moved = x.map((values, r) => values.map((v, c) => (r === row && c === column ? v + delta : v)));
      return f(tf.tensor2d(moved)).dataSync()[0];
    });
  return x.flatMap((values, r) => values.map((_, c) => (at(r, c, step) - at(r, c, -step)) / (2 * step)));
}

/** The gradient by TF.js's automatic differentiation. */
export function gradient(f: (x: tf.Tensor2D) => tf.Tensor, x: readonly (readonly number[])[]): number[] {
  return tf.tidy(() => [
    ...tf
      .grad((input: tf.Tensor) => f(input as tf.Tensor2D))(tf.tensor2d(x.map((row) => [...row])))
      .dataSync(),
  ]);
}
