/** A matrix of float64 numbers, by rows. */
export type Matrix = number[][];

export const transposed = (x: Matrix): Matrix => x[0].map((_, column) => x.map((row) => row[column]));

export const multiply = (x: Matrix, y: Matrix): Matrix =>
  x.map((row) => transposed(y).map((column) => row.reduce((sum, value, i) => sum + value * column[i], 0)));

const combine = (a: number, x: Matrix, b: number, y: Matrix): Matrix =>
  x.map((row, i) => row.map((value, j) => a * value + b * y[i][j]));

export const frobenius = (x: Matrix): number => Math.sqrt(x.flat().reduce((sum, value) => sum + value * value, 0));

/** Orthogonalisation as in the published code of Muon (Jordan et al. 2024), in float64. */
export function newtonSchulz(u: Matrix, iterations: number): Matrix {
  const norm = frobenius(u) + 1e-7;
  const isTall = u.length > u[0].length;
  let x = (isTall ? transposed(u) : u).map((row) => row.map((value) => value / norm));
  for (let i = 0; i < iterations; i++) {
    const squares = multiply(x, transposed(x));
    const factor = combine(-4.775, squares, 2.0315, multiply(squares, squares));
    x = combine(3.4445, x, 1, multiply(factor, x));
  }
  return isTall ? transposed(x) : x;
}
