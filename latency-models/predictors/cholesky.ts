/** A pivot below this share of its diagonal element is rounding: the columns depend on each other. */
const smallestPivot = 1e-12;

/** Solves A x = b for a symmetric positive definite A by its Cholesky factor; undefined when A is singular. */
export function solvePositiveDefinite(
  matrix: readonly (readonly number[])[],
  vector: readonly number[],
): number[] | undefined {
  const factor = cholesky(matrix);
  if (factor === undefined) return undefined;
  const x = [...vector];
  for (let i = 0; i < x.length; i++) {
    for (let k = 0; k < i; k++) x[i] -= factor[i][k] * x[k];
    x[i] /= factor[i][i];
  }
  for (let i = x.length - 1; i >= 0; i--) {
    for (let k = i + 1; k < x.length; k++) x[i] -= factor[k][i] * x[k];
    x[i] /= factor[i][i];
  }
  return x;
}

/** The lower triangle L with L L' = A, row by row. */
function cholesky(matrix: readonly (readonly number[])[]): number[][] | undefined {
  const factor: number[][] = [];
  for (const [i, source] of matrix.entries()) {
    const row: number[] = [];
    factor.push(row);
    for (let j = 0; j <= i; j++) {
      let value = source[j];
      for (let k = 0; k < j; k++) value -= row[k] * factor[j][k];
      if (j < i) row.push(value / factor[j][j]);
      else if (value > smallestPivot * source[i]) row.push(Math.sqrt(value));
      else return undefined;
    }
  }
  return factor;
}
