import * as tf from '@tensorflow/tfjs-core';

/** Coefficients of the odd polynomial a x + b x^3 + c x^5 that pushes singular values towards 1 (Jordan et al. 2024). */
const [a, b, c] = [3.4445, -4.775, 2.0315];

/**
 * An iteration multiplies X by a I + b A + c A^2 with A = X Xt. Written as a square, (A' + shift I)^2 + rest I with
 * A' = sqrt(c) A, it needs fewest operators.
 */
const root = Math.sqrt(c);
const shift = b / (2 * root);
const rest = a - shift ** 2;

/** Added to the squared norm, so that a matrix of zeros is not divided by 0. */
const epsilon = 1e-14;

const sideOf = ({ shape }: tf.Tensor): number => Math.min(...shape);

/** The products of a matrix's shorter side: X Xt, or Xt X for a tall one. */
function gramOf(matrix: tf.Tensor2D): tf.Tensor2D {
  const [rows, columns] = matrix.shape;
  return rows <= columns ? tf.matMul(matrix, matrix, false, true) : tf.matMul(matrix, matrix, true, false);
}

/** The product with a symmetric matrix on the shorter side. */
function multiplied(matrix: tf.Tensor2D, factor: tf.Tensor): tf.Tensor2D {
  const [rows, columns] = matrix.shape;
  return rows <= columns ? tf.matMul<tf.Tensor2D>(factor, matrix) : tf.matMul<tf.Tensor2D>(matrix, factor);
}

/**
 * The factor Q that orthogonalises a matrix: Q X has singular values near 1. An iteration with the factor P changes
 * A' = sqrt(c) X Xt to P A' P, so only the products of the shorter side are iterated, and X itself is read twice.
 * @param grams X Xt of one matrix [side, side] or of several [matrices, side, side]
 * @param scale a scalar that is multiplied into the result
 */
function factorOf(grams: tf.Tensor, iterations: number, scale: tf.Tensor): tf.Tensor {
  const identity = tf.eye(grams.shape.at(-1) ?? 1);
  // The trace of X Xt is the squared norm of X.
  const norm = tf.add(tf.sum(tf.mul(grams, tf.div(identity, root)), [-2, -1], true), epsilon / root);
  let products = tf.div(grams, norm);
  let factor = tf.div(scale, tf.sqrt(tf.mul(norm, root)));
  for (let i = 1; i <= iterations; i++) {
    const shifted = tf.add(products, tf.mul(identity, shift));
    const step: tf.Tensor = tf.add(tf.matMul(shifted, shifted), tf.mul(identity, rest));
    factor = i === 1 ? tf.mul(step, factor) : tf.matMul(step, factor);
    if (i < iterations) products = tf.matMul(step, tf.matMul(products, step));
  }
  return factor;
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
    // Stacked one above the other, which is one reshape for all; a stack of one is no stack.
    const grams = tf.concat(indices.map((i) => gramOf(matrices[i])));
    const count = indices.length;
    const factor = factorOf(count === 1 ? grams : tf.reshape(grams, [count, side, side]), iterations, scale);
    const factors = count === 1 ? [factor] : tf.split(tf.reshape(factor, [count * side, side]), count);
    for (const [at, i] of indices.entries()) results[i] = multiplied(matrices[i], factors[at]);
  }
  return results;
}
