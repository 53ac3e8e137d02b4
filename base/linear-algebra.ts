/** The scalar product. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** The values of all parts, one after the other. */
export function concatenated(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Lower bound of pivots: rows that nearly repeat earlier ones do not break the factorisation. */
const smallestPivot = 1e-10;

/** The lower Cholesky factor L of a symmetric positive definite matrix L L^T, which grows by rows. Row i starts at i (i + 1) / 2. */
export class Cholesky {
  private packed: Float64Array;
  private rows = 0;

  constructor(capacity = 16) {
    this.packed = new Float64Array((capacity * (capacity + 1)) / 2);
  }

  /** The factor of a matrix given row by row (only the lower triangle is read); row-major, `size` x `size`. */
  static of(matrix: Float64Array, size: number): Cholesky {
    const factor = new Cholesky(size);
    for (let i = 0; i < size; i++) factor.append(matrix.subarray(i * size, i * size + i), matrix[i * size + i]);
    return factor;
  }

  get size(): number {
    return this.rows;
  }

  /** Row `i` up to and including its diagonal entry; a view. */
  row(i: number): Float64Array {
    const start = (i * (i + 1)) / 2;
    return this.packed.subarray(start, start + i + 1);
  }

  /** Keeps the first rows only. */
  truncate(rows: number): void {
    this.rows = Math.min(this.rows, rows);
  }

  /**
   * Appends a row and column: `row` has the entries for earlier rows, `diagonal` the last one.
   * @returns the pivot: the part of the diagonal that earlier rows do not explain
   */
  append(row: ArrayLike<number>, diagonal: number): number {
    const n = this.rows;
    const start = (n * (n + 1)) / 2;
    if (start + n + 1 > this.packed.length) {
      const larger = new Float64Array(2 * (start + n + 1));
      larger.set(this.packed);
      this.packed = larger;
    }
    const { packed } = this;
    let pivot = diagonal;
    const known = (i: number, at: number, sum: number): void => {
      const value = sum / packed[at + i];
      packed[start + i] = value;
      pivot -= value * value;
    };
    let [i, at] = [0, 0];
    // Sums of four entries at a time do not wait for each other; each has its terms in their order.
    for (; i + 4 <= n; i += 4) {
      const [at1, at2, at3] = [at + i + 1, at + 2 * i + 3, at + 3 * i + 6];
      let sum0 = row[i];
      let sum1 = row[i + 1];
      let sum2 = row[i + 2];
      let sum3 = row[i + 3];
      for (let j = 0; j < i; j++) {
        const entry = packed[start + j];
        sum0 -= packed[at + j] * entry;
        sum1 -= packed[at1 + j] * entry;
        sum2 -= packed[at2 + j] * entry;
        sum3 -= packed[at3 + j] * entry;
      }
      known(i, at, sum0);
      sum1 -= packed[at1 + i] * packed[start + i];
      known(i + 1, at1, sum1);
      sum2 -= packed[at2 + i] * packed[start + i];
      sum2 -= packed[at2 + i + 1] * packed[start + i + 1];
      known(i + 2, at2, sum2);
      for (let j = i; j < i + 3; j++) sum3 -= packed[at3 + j] * packed[start + j];
      known(i + 3, at3, sum3);
      at = at3 + i + 4;
    }
    for (; i < n; i++) {
      let sum = row[i];
      for (let j = 0; j < i; j++) sum -= packed[at + j] * packed[start + j];
      known(i, at, sum);
      at += i + 1;
    }
    packed[start + n] = Math.sqrt(Math.max(pivot, smallestPivot));
    this.rows = n + 1;
    return pivot;
  }

  /** Solves L x = b in place: `b` becomes x. */
  solveLower(b: Float64Array): Float64Array {
    const { packed, rows } = this;
    for (let i = 0, at = 0; i < rows; i++) {
      let sum = b[i];
      for (let j = 0; j < i; j++) sum -= packed[at + j] * b[j];
      b[i] = sum / packed[at + i];
      at += i + 1;
    }
    return b;
  }

  /** Solves L^T x = b in place. */
  solveUpper(b: Float64Array): Float64Array {
    const { packed, rows } = this;
    for (let i = rows - 1; i >= 0; i--) {
      const at = (i * (i + 1)) / 2;
      const value = b[i] / packed[at + i];
      b[i] = value;
      for (let j = 0; j < i; j++) b[j] -= packed[at + j] * value;
    }
    return b;
  }

  /** Solves L L^T x = b in place. */
  solve(b: Float64Array): Float64Array {
    return this.solveUpper(this.solveLower(b));
  }

  /** The logarithm of the determinant of the matrix. */
  logDeterminant(): number {
    let sum = 0;
    for (let i = 0; i < this.rows; i++) sum += Math.log(this.packed[(i * (i + 3)) / 2]);
    return 2 * sum;
  }

  /** The inverse of the matrix; row-major, both triangles. */
  inverse(): Float64Array {
    const { packed, rows: n } = this;
    // Rows of the inverse of L; then the inverse is its transpose times itself.
    const inverse = new Float64Array(n * n);
    for (let i = 0, at = 0; i < n; i++) {
      const scale = 1 / packed[at + i];
      for (let k = 0; k < i; k++) {
        const factor = -packed[at + k] * scale;
        for (let j = 0; j <= k; j++) inverse[i * n + j] += factor * inverse[k * n + j];
      }
      inverse[i * n + i] = scale;
      at += i + 1;
    }
    const result = new Float64Array(n * n);
    for (let k = 0; k < n; k++) {
      for (let i = 0; i <= k; i++) {
        const factor = inverse[k * n + i];
        for (let j = 0; j <= i; j++) result[i * n + j] += factor * inverse[k * n + j];
      }
    }
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) result[j * n + i] = result[i * n + j];
    return result;
  }
}

/** Eigenvalues of a symmetric matrix, largest first, and the unit eigenvector of each. */
export interface Eigen {
  readonly values: Float64Array;
  readonly vectors: readonly Float64Array[];
}

/** Sweeps until rounding ends the convergence, which is quadratic: 6 to 10 for up to some hundred rows. */
const mostSweeps = 50;

/**
 * The eigenvalues and eigenvectors of a symmetric matrix by Jacobi's rotations, sweep by sweep (Golub & Van Loan,
 * section 8.5). The largest entry of each vector is positive, because an eigenvector has no sign of its own.
 * @param matrix row-major, `size` x `size`
 */
export function symmetricEigen(matrix: Float64Array, size: number): Eigen {
  const a = matrix.slice();
  // Row k becomes the eigenvector of the k-th diagonal entry.
  const v = Float64Array.from(a, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
  const negligible = Number.EPSILON * Math.sqrt(dot(a, a));
  for (let sweep = 0, rotated = true; rotated && sweep < mostSweeps; sweep++) {
    rotated = false;
    for (let p = 0; p < size; p++)
      for (let q = p + 1; q < size; q++) {
        if (Math.abs(a[p * size + q]) <= negligible) continue;
        rotated = true;
        const theta = (a[q * size + q] - a[p * size + p]) / (2 * a[p * size + q]);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const rotation = { sine: t * c, cosine: c };
        rotate(a, { first: p, second: q, step: size }, size, rotation);
        rotate(a, { first: p * size, second: q * size, step: 1 }, size, rotation);
        rotate(v, { first: p * size, second: q * size, step: 1 }, size, rotation);
      }
  }
  const order = Array.from({ length: size }, (_, k) => k);
  order.sort((i, j) => a[j * (size + 1)] - a[i * (size + 1)] || i - j);
  return {
    values: Float64Array.from(order, (k) => a[k * (size + 1)]),
    vectors: order.map((k) => pointedUp(v.subarray(k * size, (k + 1) * size))),
  };
}

/** Rotates two rows (`step` 1) or columns (`step` the length of a row), which start at `first` and `second`. */
function rotate(
  entries: Float64Array,
  { first, second, step }: { readonly first: number; readonly second: number; readonly step: number },
  size: number,
  { sine, cosine }: { readonly sine: number; readonly cosine: number },
): void {
  for (let k = 0, i = first, j = second; k < size; k++, i += step, j += step) {
    const [x, y] = [entries[i], entries[j]];
    entries[i] = cosine * x - sine * y;
    entries[j] = sine * x + cosine * y;
  }
}

/** The vector or its negative, so that its largest entry (the first of several) is positive. */
function pointedUp(vector: Float64Array): Float64Array {
  const largest = vector.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
  return vector.map((value) => (largest < 0 ? -value : value));
}
