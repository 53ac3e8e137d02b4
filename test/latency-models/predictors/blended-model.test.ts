import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { latencyModelFrom } from '../../../latency-models/index.js';
import { blend } from '../../../latency-models/predictors/fit.js';
import { fitLinearCost, type LinearCostFit } from '../../../latency-models/predictors/fit-linear-cost.js';
import { Catalogue } from '../../../latency-models/predictors/features.js';
import type { Network } from '../../../spaces/index.js';
import { fashionSpace, observe } from '../contract.js';

async function fits(): Promise<{ fit: LinearCostFit; other: LinearCostFit; network: Network; fitted: Network }> {
  const catalogue = new Catalogue();
  const [first, ...observations] = observe(await fashionSpace(), 13, new Random(5));
  const samples = observations.map(({ network, ms }) => ({ profile: catalogue.profile(network), ms }));
  const options = { kind: 'additive', overlap: 1 } as const;
  const twice = samples.map(({ profile, ms }) => ({ profile, ms: 2 * ms }));
  return {
    fit: fitLinearCost(catalogue, samples, options),
    other: fitLinearCost(catalogue, twice, options),
    network: first.network,
    fitted: observations[0].network,
  };
}

describe('blend', () => {
  it('is the mean of fits that predict equally well, and says how they differ', async () => {
    const { fit, other, network } = await fits();
    const same = { ...other, leftOut: fit.leftOut, noise: fit.noise };
    const { model, leftOut, leftOutError } = blend([
      { fit, probability: 0.75 },
      { fit: same, probability: 0.25 },
    ]);
    const [one, two] = [fit.model.predict(network), other.model.predict(network)];
    const { ms, std, coverage } = model.predict(network);
    expect(ms).toBeCloseTo(0.75 * one.ms + 0.25 * two.ms, 12);
    expect(std).toBeGreaterThan(Math.sqrt(0.75 * 0.25) * Math.abs(one.ms - two.ms));
    expect(coverage).toBeCloseTo(0.75 * one.coverage + 0.25 * two.coverage, 12);
    for (const [i, error] of leftOut.entries()) expect(error).toBeCloseTo(fit.leftOut[i], 12);
    expect(leftOutError).toBeCloseTo(Math.sqrt(0.75 * fit.leftOutError ** 2 + 0.25 * other.leftOutError ** 2), 12);
    const restored = latencyModelFrom(JSON.parse(JSON.stringify(model)));
    expect(restored.kind).toBe('blend');
    expect(restored.predict(network)).toEqual({ ms, std, coverage });
  });

  it('is one of the fits when the other fails where it was not fitted', async () => {
    const { fit, other } = await fits();
    const failed = { ...other, leftOut: fit.leftOut.map(() => 1) };
    const result = blend([
      { fit: failed, probability: 0.75 },
      { fit, probability: 0.25 },
    ]);
    expect(result).toBe(fit);
  });

  it('covers no more than all of a network, however probabilities round', async () => {
    const { fit, fitted } = await fits();
    expect(fit.model.predict(fitted).coverage).toBe(1);
    const random = new Random(6);
    for (let i = 0; i < 200; i++) {
      const alternatives = Array.from({ length: 3 }, () => ({ fit, probability: 0.1 + random.uniform() }));
      expect(blend(alternatives).model.predict(fitted).coverage).toBeLessThanOrEqual(1);
    }
  });
});
