/** Arguments beyond this give 0. */
const reach = 40;
const steps = 32;
const table = Float64Array.from({ length: reach * steps + 1 }, (_, i) => Math.exp(-i / steps));

/** exp(-x) for x >= 0, to a relative error of 1e-11 and several times as fast as the exact one. */
export function decay(x: number): number {
  if (!(x < reach)) return 0;
  const i = Math.floor(x * steps);
  const rest = x - i / steps;
  return table[i] * (1 - rest * (1 - rest * (1 / 2 - rest * (1 / 6 - rest * (1 / 24 - rest / 120)))));
}
