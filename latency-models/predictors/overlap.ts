import { launchColumns } from './columns.js';
import { overlapped } from './priced-model.js';
import { solve, type Solution } from './regression.js';
import { regression, type Setting } from './setting.js';

/** Halvings on the way to launches and computations that overlap. */
const overlapRounds = 30;

/** The weights' factors in each row where launches and computations overlap: the sum is linear around itself. */
export function gatesOf({ columns, options }: Setting, weights: readonly number[]): Float64Array[] {
  const isLaunch = columns.names.map((name) => launchColumns.has(name));
  return columns.rows.map((row) => {
    let [launch, compute] = [0, 0];
    for (let j = 0; j < row.length; j++)
      if (isLaunch[j]) launch += row[j] * weights[j];
      else compute += row[j] * weights[j];
    const byCompute = overlapped(launch, compute, options.overlap).byCompute;
    const byLaunch = overlapped(compute, launch, options.overlap).byCompute;
    return Float64Array.from(isLaunch, (own) => (own ? byLaunch : byCompute));
  });
}

export const gated = (rows: readonly Float64Array[], gates: readonly Float64Array[]): Float64Array[] =>
  rows.map((row, i) => row.map((value, j) => value * gates[i][j]));

/** Finds weights and gates from each other, beginning where launches and computations are alike. */
export function overlap(setting: Setting, first: Solution): { solution: Solution; gates: Float64Array[] } {
  const { columns, noise } = setting;
  let weights = columns.names.map((name, j) => Math.max(first.weights[j], launchColumns.has(name) ? 0.1 : 0.02));
  let gates = gatesOf(setting, weights);
  let solution = first;
  for (let round = 0; round < overlapRounds; round++) {
    const next = gatesOf(setting, weights);
    gates = gates.map((row, i) => row.map((value, j) => (value + next[i][j]) / 2));
    solution = solve(regression(setting, noise, gated(columns.rows, gates), []), {
      scales: first.scales,
      keep: true,
    });
    weights = weights.map((value, j) => (value + solution.weights[j]) / 2);
  }
  return { solution: { ...solution, weights }, gates };
}
