import * as tf from '@tensorflow/tfjs-core';
import { layersOf, type Network } from '../../spaces/index.js';

/**
 * Names of the layers that feed a rectifier or its smooth relatives, whose inputs' signs tell images apart; gates (hard
 * sigmoid) are none.
 */
export function activationInputs(network: Network): string[] {
  const layers = layersOf(network);
  return layers.flatMap((layer) =>
    layer.kind === 'activation' && layer.act !== 'hard_sigmoid' ? [layers[layer.inputs[0]].name] : [],
  );
}

/**
 * The kernel matrix K_H of Mellor et al. 2021, [size, size]: for each pair of images, how many activations are on for
 * both or off for both.
 * @param inputs what each activation layer is given: [size, ...]
 */
export function codeAgreement(inputs: readonly tf.Tensor[]): tf.Tensor {
  const agreements = inputs.map((input) => {
    const [size] = input.shape;
    const units = input.size / size;
    const on = tf.reshape(tf.cast(tf.greater(input, 0), 'float32'), [size, units]);
    // +1 where it is on and -1 where it is off: a product of two codes is agreements minus disagreements.
    const signs = tf.sub(tf.mul(on, 2), 1);
    return tf.div(tf.add(tf.matMul(signs, signs, false, true), units), 2);
  });
  return agreements.reduce((sum, agreement) => tf.add(sum, agreement));
}

/** Share of its diagonal below which a pivot is rounding: the row is a mixture of those before. */
const singular = 1e-9;

/**
 * The natural logarithm of the determinant of a positive semi-definite matrix, by Cholesky's factorisation. Images with
 * equal codes make it singular; each then counts as if its pivot were a billionth of the diagonal, which keeps the
 * result finite and far below that of any other matrix.
 * @param matrix [size, size], row by row
 */
export function logDeterminant(matrix: ArrayLike<number>, size: number): number {
  const factor = Array.from({ length: size }, () => new Float64Array(size));
  let sum = 0;
  for (let j = 0; j < size; j++) {
    const residual = (i: number): number => {
      let value = matrix[i * size + j];
      for (let k = 0; k < j; k++) value -= factor[i][k] * factor[j][k];
      return value;
    };
    const pivot = Math.max(residual(j), singular * Math.max(1, matrix[j * size + j]));
    sum += Math.log(pivot);
    const root = Math.sqrt(pivot);
    factor[j][j] = root;
    for (let i = j + 1; i < size; i++) factor[i][j] = residual(i) / root;
  }
  return sum;
}
