import * as tf from '@tensorflow/tfjs-core';

/** Coefficients of the odd polynomial a x + b x^3 + c x^5 that pushes singular values towards 1 (Jordan et al. 2024). */
const [a, b, c] = [3.4445, -4.775, 2.0315];

/** Keeps the norm of a zero matrix away from 0. */
const epsilon = 1e-7;

const sideOf = ({ shape }: tf.Tensor): number => Math.min(...shape);

/** The products of a matrix's shorter side: X Xt, or Xt X for a tall one. */
function gramOf(matrix: tf.Tensor2D): tf.Tensor2D {
  const [rows, columns] = matrix.shape;
  return rows <= columns ? tf.matMul(matrix, matrix, false, true) : tf.matMul(matrix, matrix, true, false);
}

/** The product with a symmetric matrix on the shorter side. */
function multiplied(matrix: tf.Tensor2D, factor: tf.Tensor2D): tf.Tensor2D {
  const [rows, columns] = matrix.shape;
  return rows <= columns ? tf.matMul(factor, matrix) : tf.matMul(matrix, factor);
}

/**
 * The factor Q that orthogonalises the matrices X with these products A = X Xt: Q X has singular values near 1. With
 * X / (norm + epsilon), an iteration is X <- P X with P = a I + b A + c A^2, so A <- P A P: as all of them are polynomials
 * of the first A, only the shorter side is iterated, and X is read twice.
 * @param grams [matrices, side, side]
 * @param scale a scalar that is multiplied into the result
 */
function factorOf(grams: tf.Tensor3D, iterations: number, scale: tf.Tensor): tf.Tensor3D {
  const identity = tf.eye(grams.shape[1]);
  // The trace is the sum of all squares of X.
  const norm = tf.add(tf.sqrt(tf.sum(tf.mul(grams, identity), [1, 2], true)), epsilon);
  let products = tf.div(grams, tf.square(norm));
  let factor: tf.Tensor | null = null;
  for (let i = 1; i <= iterations; i++) {
    const inner = tf.add(tf.mul(products, c), tf.mul(identity, b));
    const step: tf.Tensor = tf.add(tf.matMul(products, inner), tf.mul(identity, a));
    factor = factor === null ? step : tf.matMul(step, factor);
    if (i < iterations) products = tf.matMul(step, tf.matMul(products, step));
  }
  return tf.mul(factor ?? identity, tf.div(scale, norm));
}

/**
 * Replaces matrices by nearby ones with singular values near 1, between about 0.7 and 1.2 after five iterations: an
 * approximation of U Vt of the singular value decomposition U S Vt (Newton-Schulz iteration with the coefficients of Jordan
 * et al. 2024, "Muon"). Matrices with equal shorter sides are computed together.
 * @param scale a scalar that is multiplied into the results
 */
export function orthogonalized(
  matrices: readonly tf.Tensor2D[],
  iterations: number,
  scale: tf.Tensor,
): readonly tf.Tensor2D[] {
  const results = [...matrices];
  for (const side of new Set(matrices.map(sideOf))) {
    const indices = [...matrices.keys()].filter((i) => sideOf(matrices[i]) === side);
    const grams = tf.stack(indices.map((i) => gramOf(matrices[i]))) as tf.Tensor3D;
    const factors = tf.unstack(factorOf(grams, iterations, scale)) as tf.Tensor2D[];
    for (const [at, i] of indices.entries()) results[i] = multiplied(matrices[i], factors[at]);
  }
  return results;
}
