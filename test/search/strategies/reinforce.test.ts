import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import {
  type Goal,
  logProbability,
  qualityOf,
  reinforced,
  reward,
  samplePolicy,
  softmax,
  uniformPolicy,
} from '../../../search/strategies/reinforce.js';
import type { Objective, TrialResult } from '../../../search/index.js';
import { table } from '../support.js';

const relevant = table.decisions.map(() => true);

describe('a policy', () => {
  it('moves along the gradient of log-probability and entropy (finite differences)', () => {
    const random = new Random(1, 'policy');
    const policy = table.decisions.map(({ choices }) => choices.map(() => random.normal()));
    const genotype = [0, 1, 2, 3, 4];
    const entropyOf = (p: typeof policy) =>
      p.reduce((sum, logits) => sum - softmax(logits).reduce((s, q) => s + q * Math.log(q), 0), 0);
    const [advantage, entropy] = [0.7, 0.3];
    const value = (p: typeof policy) => advantage * logProbability(p, genotype, relevant) + entropy * entropyOf(p);
    const moved = reinforced(policy, { genotype, relevant, advantage, entropy });
    const h = 1e-5;
    for (const [i, logits] of policy.entries()) {
      for (const choice of logits.keys()) {
        const at = (delta: number) => policy.with(i, logits.with(choice, logits[choice] + delta));
        const gradient = (value(at(h)) - value(at(-h))) / (2 * h);
        expect(moved[i][choice] - logits[choice]).toBeCloseTo(gradient, 7);
      }
    }
  });

  it('does not change irrelevant decisions', () => {
    const policy = uniformPolicy(table);
    const step = { genotype: [0, 0, 0, 0, 0], relevant: relevant.with(2, false), advantage: 1, entropy: 0 };
    const moved = reinforced(policy, step);
    expect(moved[2]).toEqual(policy[2]);
    expect(moved[0][0]).toBeGreaterThan(0);
  });

  it('samples the reinforced genotype, less often at a higher temperature', () => {
    let policy = uniformPolicy(table);
    const genotype = [4, 3, 2, 1, 0];
    for (let i = 0; i < 80; i++) policy = reinforced(policy, { genotype, relevant, advantage: 0.5, entropy: 0 });
    const share = (temperature: number) => {
      const random = new Random(2, 'draws');
      const draws = Array.from({ length: 500 }, () => samplePolicy(policy, temperature, random));
      return draws.filter((drawn) => drawn.join() === genotype.join()).length / draws.length;
    };
    expect(share(1)).toBeGreaterThan(0.8);
    expect(share(4)).toBeLessThan(0.5 * share(1));
  });
});

describe('the reward', () => {
  const objectives: readonly Objective[] = [
    { name: 'latency_ms', direction: 'minimize', cost: 'cheap' },
    { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
  ];
  const goal: Goal = {
    quality: qualityOf(objectives),
    targets: [{ objective: objectives[0], value: 10, exponents: [-0.07, -1] }],
  };
  const trial = (accuracy: number, latency_ms: number, state: TrialResult['state'] = 'complete'): TrialResult => ({
    number: 0,
    genotype: [0],
    state,
    values: { accuracy, latency_ms },
  });

  it("is MnasNet's: accuracy times a power of the latency relative to its target", () => {
    expect(goal.quality.name).toBe('accuracy');
    expect(reward(goal, objectives, trial(0.8, 10))).toBeCloseTo(0.8, 12);
    expect(reward(goal, objectives, trial(0.8, 5))).toBeCloseTo(0.8 * 0.5 ** -0.07, 12);
    expect(reward(goal, objectives, trial(0.8, 20))).toBeCloseTo(0.4, 12);
  });

  it('inverts minimised qualities and maximised targets', () => {
    const error: Objective = { name: 'accuracy', direction: 'minimize', cost: 'expensive' };
    const speed: Objective = { name: 'latency_ms', direction: 'maximize', cost: 'cheap' };
    const other: Goal = { quality: error, targets: [{ objective: speed, value: 10, exponents: [-0.07, -1] }] };
    expect(reward(other, [speed, error], trial(0.5, 5))).toBeCloseTo(1, 12);
  });

  it('is 0 for failures, broken constraints, and values that are not positive', () => {
    expect(reward(goal, objectives, trial(0.8, 10, 'failed'))).toBe(0);
    expect(reward(goal, objectives, trial(NaN, 10))).toBe(0);
    expect(reward(goal, objectives, trial(-1, 10))).toBe(0);
    const limited = [{ ...objectives[0], constraint: { max: 5 } }, objectives[1]];
    expect(reward(goal, limited, trial(0.8, 10))).toBe(0);
  });
});
