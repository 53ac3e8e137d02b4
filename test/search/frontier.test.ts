import { describe, expect, it } from 'vitest';
import { feasible, frontier, FrontierArchive, toPoint, type Objective } from '../../search/index.js';

const objectives: readonly Objective[] = [
  { name: 'accuracy', direction: 'maximize', cost: 'expensive', constraint: { min: 0.5 } },
  { name: 'latency_ms', direction: 'minimize', cost: 'cheap', constraint: { max: 5 } },
];
const trial = (number: number, accuracy: number, latency_ms: number, state = 'complete') => ({
  number,
  state,
  values: { accuracy, latency_ms },
});

describe('frontier', () => {
  it('has the complete trials that keep all constraints and that nothing dominates, in the order given', () => {
    const trials = [
      trial(0, 0.9, 4),
      trial(1, 0.99, 5.01),
      trial(2, 0.4, 0.1),
      trial(3, 0.8, 2),
      trial(4, 0.8, 3),
      trial(5, 0.99, 1, 'failed'),
      trial(6, 0.99, 1, 'pruned'),
      trial(7, 0.8, 2),
      trial(8, NaN, 1),
      { number: 9, state: 'complete', values: { accuracy: 0.95 } },
      trial(10, 0.5, 1),
    ];
    expect(frontier(trials, objectives).map(({ number }) => number)).toEqual([0, 3, 7, 10]);
    expect(feasible(trials, objectives).map(({ trial }) => trial.number)).toEqual([0, 3, 4, 7, 10]);
    expect(frontier([], objectives)).toEqual([]);
    const archive = new FrontierArchive(objectives);
    for (const [i, each] of trials.entries()) {
      const isMember = archive.insert(each);
      const expected = frontier(trials.slice(0, i + 1), objectives);
      expect(archive.members).toEqual(expected);
      expect(isMember).toBe(expected.includes(each));
    }
  });

  it('is the best trials when there is one objective', () => {
    const trials = [trial(0, 0.6, 1), trial(1, 0.7, 1), trial(2, 0.7, 9)];
    expect(frontier(trials, objectives.slice(0, 1)).map(({ number }) => number)).toEqual([1, 2]);
  });
});

describe('toPoint', () => {
  it('turns values so that smaller is better', () => {
    expect(toPoint(objectives, { latency_ms: 2, accuracy: 0.75, macs: 1 })).toEqual([-0.75, 2]);
    expect(toPoint(objectives, { latency_ms: 2 })).toBeUndefined();
    expect(toPoint(objectives, { latency_ms: Infinity, accuracy: 1 })).toBeUndefined();
  });
});
