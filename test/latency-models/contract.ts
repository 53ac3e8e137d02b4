import { describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import { latencyModelFrom, validateModel, type LatencyModel, type Observation } from '../../latency-models/index.js';
import {
  costs,
  createSpace,
  sampleGenotype,
  spaceSchema,
  type LayerKind,
  type Network,
  type Space,
} from '../../spaces/index.js';

/** Costs of a synthetic device in ms: for each layer by kind, and for each multiply-accumulate. */
const launchMs: Readonly<Partial<Record<LayerKind, number>>> = { conv: 2e-3, depthwise: 2e-3, dense: 1e-3, add: 1e-3 };
const macMs: Readonly<Partial<Record<LayerKind, number>>> = { conv: 4e-8, depthwise: 2e-7, dense: 1e-7 };

/** The latency of a network on a synthetic device, from costs that the tested models do not use. */
export const syntheticLatency = (network: Network): number =>
  costs(network).layers.reduce(
    (total, { kind, macs, trafficBytes }) =>
      total + (launchMs[kind] ?? 0) + (macMs[kind] ?? 0) * macs + 1e-7 * trafficBytes,
    0.02,
  );

export const fashionSpace = (): Promise<Space> =>
  createSpace(spaceSchema.parse({ type: 'mobilenet' }), { input: [28, 28, 1], classes: 10 });

/** Networks of a space and their latencies with 2 % of noise. */
export function observe(space: Space, count: number, random: Random): Observation[] {
  return Array.from({ length: count }, () => {
    const network = space.build(sampleGenotype(space, random));
    return { network, ms: syntheticLatency(network) * (1 + 0.02 * random.normal()) };
  });
}

export interface LatencyModelCase {
  readonly name: string;
  readonly fit: (observations: readonly Observation[]) => LatencyModel;
}

/** The contract of every latency model. */
export function describeLatencyModel({ name, fit }: LatencyModelCase): void {
  describe(`latency model ${name}`, () => {
    it('predicts unseen networks with calibrated errors', async () => {
      const space = await fashionSpace();
      const model = fit(observe(space, 30, new Random(1)));
      const unseen = observe(space, 60, new Random(2));
      const { mape, spearman, within10, count } = validateModel(model, unseen);
      expect(count).toBe(60);
      expect(mape).toBeLessThan(8);
      expect(spearman).toBeGreaterThan(0.95);
      expect(within10).toBeGreaterThan(0.7);
      const predictions = unseen.map(({ network, ms }) => ({ ...model.predict(network), actual: ms }));
      const off = predictions.filter(({ ms, std, actual }) => Math.abs(ms - actual) > 3 * std);
      expect(off.length).toBeLessThan(6);
      for (const { coverage, ms, std } of predictions) {
        expect(coverage).toBe(1);
        expect(std).toBeGreaterThan(0);
        expect(std).toBeLessThan(ms);
      }
    });

    it('is reproducible, and restored from JSON', async () => {
      const space = await fashionSpace();
      const observations = observe(space, 12, new Random(3));
      const model = fit(observations);
      const restored = latencyModelFrom(JSON.parse(JSON.stringify(model)));
      expect(JSON.stringify(fit(observations))).toBe(JSON.stringify(model));
      for (const { network } of observe(space, 20, new Random(4)))
        expect(restored.predict(network)).toEqual(model.predict(network));
    });

    it('never predicts unseen work as free', async () => {
      const space = await fashionSpace();
      const model = fit(observe(space, 12, new Random(5)));
      const network = space.build(space.decisions.map(() => 0));
      const strange: Network = {
        ...network,
        blocks: network.blocks.map((block) => ({ ...block, kernel: 7, act: 'swish' })),
      };
      const known = model.predict(network);
      const unknown = model.predict(strange);
      expect(known.coverage).toBe(1);
      expect(unknown.coverage).toBeGreaterThan(0);
      expect(unknown.coverage).toBeLessThan(known.coverage);
      expect(unknown.ms).toBeGreaterThan(known.ms);
      expect(unknown.std).toBeGreaterThan(known.std);
    });

    it('accepts a single observation', async () => {
      const space = await fashionSpace();
      const [observation] = observe(space, 1, new Random(6));
      const { ms, std } = fit([observation]).predict(observation.network);
      expect(Math.abs(ms / observation.ms - 1)).toBeLessThan(0.1);
      expect(std).toBeGreaterThan(0.5 * ms);
    });
  });
}
