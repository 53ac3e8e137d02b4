/** Gives the value of a function at `x`, and writes its gradient. */
export type Differentiable = (x: Float64Array, gradient: Float64Array) => number;

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

export interface MinimizeOptions {
  /** How often the function may be evaluated. */
  readonly evaluations: number;
  /** Ends when a step gains less than this. */
  readonly tolerance: number;
  /** The longest step in any coordinate. */
  readonly reach: number;
}

/** The inverse Hessian's BFGS update for a step s with change of gradient y (Nocedal & Wright 2006, eq. 6.17). */
function update(inverse: Float64Array, s: Float64Array, y: Float64Array): void {
  const n = s.length;
  const curvature = dot(s, y);
  if (!(curvature > 1e-12)) return;
  const hy = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) hy[i] += inverse[i * n + j] * y[j];
  const scale = (1 + dot(y, hy) / curvature) / curvature;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) inverse[i * n + j] += scale * s[i] * s[j] - (hy[i] * s[j] + s[i] * hy[j]) / curvature;
  }
}

const identity = (n: number): Float64Array => {
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) matrix[i * n + i] = 1;
  return matrix;
};

/** A local minimum of a smooth function of a few variables: BFGS with step halving (Armijo's rule). */
export function minimize(f: Differentiable, start: Float64Array, options: MinimizeOptions): Float64Array {
  const n = start.length;
  let x = start.slice();
  let gradient = new Float64Array(n);
  let value = f(x, gradient);
  const inverse = identity(n);
  for (let used = 1; used < options.evaluations;) {
    const direction = new Float64Array(n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) direction[i] -= inverse[i * n + j] * gradient[j];
    let slope = dot(direction, gradient);
    if (!(slope < 0)) {
      inverse.set(identity(n));
      direction.set(gradient.map((g) => -g));
      slope = -dot(gradient, gradient);
      if (slope === 0) break;
    }
    let step = Math.min(1, options.reach / direction.reduce((most, d) => Math.max(most, Math.abs(d)), 1e-300));
    const next = new Float64Array(n);
    const nextGradient = new Float64Array(n);
    let nextValue = Infinity;
    while (used < options.evaluations) {
      for (let i = 0; i < n; i++) next[i] = x[i] + step * direction[i];
      nextValue = f(next, nextGradient);
      used++;
      if (nextValue <= value + 1e-4 * step * slope) break;
      step /= 3;
    }
    if (!(nextValue < value)) break;
    update(
      inverse,
      next.map((v, i) => v - x[i]),
      nextGradient.map((v, i) => v - gradient[i]),
    );
    const gained = value - nextValue;
    [x, gradient, value] = [next, nextGradient, nextValue];
    if (gained < options.tolerance) break;
  }
  return x;
}
