import type { Objective, Values } from './objective.js';

/** How far `value` is outside a constraint's bounds, as a share of the bound that it breaks; 0 inside. */
function excess({ constraint }: Objective, value: number): number {
  const { min = -Infinity, max = Infinity } = constraint ?? {};
  if (value >= min && value <= max) return 0;
  const bound = value < min ? min : max;
  const share = Math.abs(value - bound) / (bound === 0 ? 1 : Math.abs(bound));
  return Number.isNaN(share) ? Infinity : share;
}

/**
 * The overall constraint violation of Deb et al. 2002: the sum of the relative excesses; 0 when every bound is kept, and
 * never for a value that breaks one. Objectives without a value are not judged.
 */
export function violation(objectives: readonly Objective[], values: Values): number {
  let sum = 0;
  for (const objective of objectives) {
    if (objective.constraint !== undefined && objective.name in values)
      sum += excess(objective, values[objective.name]);
  }
  return sum;
}
