import { describe, expect, it } from 'vitest';
import { NasError } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import {
  latencyModelFrom,
  validateModel,
  type Device,
  type LatencyModel,
  type Observation,
  type Protocol,
} from '../../latency-models/index.js';
import {
  costs,
  createSpace,
  sampleGenotype,
  spaceSchema,
  type LayerKind,
  type Network,
  type Space,
} from '../../spaces/index.js';

/** A short protocol: the contract is about form and order, not about precision. */
export const quickProtocol: Protocol = {
  warmupMs: 20,
  blockMs: 2,
  minRuns: 3,
  maxRuns: 10,
  minBlocks: 4,
  maxBlocks: 8,
  tolerance: 0.05,
};

export interface DeviceCase {
  readonly name: string;
  readonly make: () => Device;
  /** Two models that the device can run, the second at least twenty times the work of the first. */
  readonly small: Uint8Array;
  readonly large: Uint8Array;
}

/** What every device must do. */
export function describeDevice({ name, make, small, large }: DeviceCase): void {
  describe(`device ${name}`, () => {
    it('measures a model with percentiles, an interval, all samples and its circumstances', async () => {
      const device = make();
      const measurement = await device.measure(small, quickProtocol);
      const { ms, p50, p95, p99, interval, samples, environment } = measurement;
      expect(ms).toBeGreaterThan(0);
      expect(p50).toBeGreaterThan(0);
      expect(p95).toBeGreaterThanOrEqual(p50);
      expect(p99).toBeGreaterThanOrEqual(p95);
      expect(interval[0]).toBeLessThanOrEqual(interval[1]);
      expect(Math.min(...samples)).toBeLessThanOrEqual(ms);
      expect(Math.max(...samples)).toBeGreaterThanOrEqual(ms);
      expect(samples.length).toBeGreaterThanOrEqual(quickProtocol.minBlocks * quickProtocol.minRuns);
      expect(environment.device).toBe(device.name);
      expect(environment.runtime).not.toBe('');
      expect(environment.batch).toBeGreaterThanOrEqual(1);
      expect(JSON.parse(JSON.stringify(measurement))).toEqual(measurement);
    });

    it('takes longer for much more work', async () => {
      const [fast, slow] = await make().measureAll([small, large], quickProtocol);
      expect(slow.ms).toBeGreaterThan(2 * fast.ms);
    });

    it('gives the results in the order of the models, none for none', async () => {
      const device = make();
      expect(await device.measureAll([], quickProtocol)).toEqual([]);
      const [slow, fast] = await device.measureAll([large, small], quickProtocol);
      expect(slow.ms).toBeGreaterThan(fast.ms);
    });

    it('refuses what is not a model, with a clear error', async () => {
      const failure = make().measure(new TextEncoder().encode('not a model'), quickProtocol);
      await expect(failure).rejects.toBeInstanceOf(NasError);
      await expect(failure).rejects.toMatchObject({ code: 'invalid-input' });
    });

    it('stops when it is told to', async () => {
      const stop = new AbortController();
      const options = { signal: stop.signal, onProgress: () => stop.abort(new Error('stopped by the user')) };
      await expect(make().measure(small, quickProtocol, options)).rejects.toThrow('stopped by the user');
    });
  });
}

/** Milliseconds a device charges in the tests: for each layer by kind, for multiply-accumulates and for traffic. */
const launchMs: Readonly<Partial<Record<LayerKind, number>>> = { conv: 2e-3, depthwise: 2e-3, dense: 1e-3, add: 1e-3 };
const macMs: Readonly<Partial<Record<LayerKind, number>>> = { conv: 4e-8, depthwise: 2e-7, dense: 1e-7 };

/** The latency of a network on a device that is made up, from costs that no latency model under test looks at. */
export function syntheticLatency(network: Network): number {
  const layerMs = costs(network).layers.map(
    ({ kind, macs, trafficBytes }) => (launchMs[kind] ?? 0) + (macMs[kind] ?? 0) * macs + 1e-7 * trafficBytes,
  );
  return layerMs.reduce((total, ms) => total + ms, 0.02);
}

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

/** What every latency model must do. */
export function describeLatencyModel({ name, fit }: LatencyModelCase): void {
  describe(`latency model ${name}`, () => {
    it('predicts networks that it has not seen, and knows its error', async () => {
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

    it('gives the same model for the same observations, and itself back from JSON', async () => {
      const space = await fashionSpace();
      const observations = observe(space, 12, new Random(3));
      const model = fit(observations);
      const restored = latencyModelFrom(JSON.parse(JSON.stringify(model)));
      expect(restored.kind).toBe(model.kind);
      expect(JSON.stringify(fit(observations))).toBe(JSON.stringify(model));
      for (const { network } of observe(space, 20, new Random(4)))
        expect(restored.predict(network)).toEqual(model.predict(network));
    });

    it('never takes what it has not seen for free', async () => {
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
      expect(unknown.coverage).toBeLessThan(1);
      expect(unknown.ms).toBeGreaterThan(known.ms);
      expect(unknown.std).toBeGreaterThan(known.std);
    });

    it('makes something of a single observation', async () => {
      const space = await fashionSpace();
      const [observation] = observe(space, 1, new Random(6));
      const { ms, std } = fit([observation]).predict(observation.network);
      expect(Math.abs(ms / observation.ms - 1)).toBeLessThan(0.1);
      expect(std).toBeGreaterThan(0.5 * ms);
    });
  });
}
