import { describe, expect, it } from 'vitest';
import { feasible, frontier, hypervolume, type ControllerName, type TrialResult } from '../../search/index.js';
import { enumerate } from '../../spaces/index.js';
import { accuracy, cheapValues, controllerOf, objectives, search, table } from './support.js';

const everything = [...enumerate(table)].map((genotype) => ({
  state: 'complete',
  values: { ...cheapValues(genotype), accuracy: accuracy(genotype) },
}));
const points = (trials: Parameters<typeof feasible>[0]) => feasible(trials, objectives).map(({ point }) => point);
const worst = points(everything).reduce((a, b) => a.map((value, i) => Math.max(value, b[i])));
const best = hypervolume(points(frontier(everything, objectives)), worst);

const seeds = Array.from({ length: 12 }, (_, seed) => seed);

/** The mean over seeds of what `judge` says of searches of 150 trials. */
function average(
  name: ControllerName,
  judge: (history: readonly TrialResult[]) => number,
  judged = objectives,
): number {
  const losses = seeds.map((seed) => judge(search(controllerOf(name, { seed, objectives: judged }), 150).history));
  return losses.reduce((a, b) => a + b) / losses.length;
}

describe('with 150 of 3,125 networks tried', () => {
  it('local search misses much less of the true frontier than random search does', () => {
    const missed = (history: readonly TrialResult[]) => 1 - hypervolume(points(history), worst) / best;
    const random = average('random', missed);
    expect(average('local', missed)).toBeLessThan(0.7 * random);
  });

  it('local search comes much nearer to the best value of one objective', () => {
    const top = Math.max(...everything.map(({ values }) => values.accuracy));
    const regret = (history: readonly TrialResult[]) =>
      top - Math.max(...history.map(({ values }) => ('accuracy' in values ? values['accuracy'] : 0)));
    const only = objectives.slice(0, 1);
    const random = average('random', regret, only);
    expect(average('local', regret, only)).toBeLessThan(0.5 * random);
  });
});
