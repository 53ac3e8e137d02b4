import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEngine, trainSchema, type EngineConfig, type TrainingEngine } from '../../../trainers/index.js';
import type { ProgramSpec } from '../../../trainers/engines/index.js';
import { lossSchema, type LossConfig } from '../../../trainers/schema/loss.js';
import type { OptimizerConfig } from '../../../trainers/schema/train.js';
import { noiseBatch, tinyStudent, update } from '../support/networks.js';

export const batch = 6;
export const threads = 1;

const loss = (config: Partial<LossConfig> & Pick<LossConfig, 'type'>): LossConfig => lossSchema.parse(config);
const optimizer = (config: Partial<OptimizerConfig> & Pick<OptimizerConfig, 'type'>): OptimizerConfig =>
  trainSchema.parse({ optimizer: config }).optimizer;

/** A training with every kind of state. */
export const everything: Overrides = {
  loss: {
    ...loss({ type: 'kd', label_smoothing: 0.1 }),
    classWeights: [0.5, 2, 1, 1, 1, 1, 1, 1, 1, 0.5],
  },
  optimizer: optimizer({ type: 'adamw' }),
  ema: 0.9,
};

export const muon = optimizer({ type: 'muon' });

export const specOf =
  (overrides: Partial<ProgramSpec> = {}): (() => ProgramSpec) =>
  () => ({
    network: tinyStudent(),
    seed: 7,
    loss: loss({ type: 'cross-entropy' }),
    optimizer: optimizer({ type: 'sgd', learning_rate: 0.05 }),
    ema: 0,
    ...overrides,
  });

/** Losses of the steps from `from` to `to`, on a few batches in turn. */
export async function run(
  engine: Pick<TrainingEngine, 'train'>,
  from: number,
  to: number,
  rate = 0.05,
): Promise<number[]> {
  const losses: number[] = [];
  for (let step = from; step < to; step++) {
    const metrics = await update(engine, noiseBatch(tinyStudent(), batch, step % 3), rate, step);
    losses.push(metrics.loss);
  }
  return losses;
}

export const bytes = async (engine: TrainingEngine): Promise<Record<string, string>> =>
  Object.fromEntries(
    [...(await engine.state())].map(([name, { data }]) => [name, Buffer.from(data.buffer).toString('base64')]),
  );

/** Options of an engine besides what it trains. */
export interface Overrides extends Partial<Pick<ProgramSpec, 'loss' | 'optimizer' | 'ema' | 'stem'>> {
  readonly dropout?: number;
}

/** Opens engines of one network. */
export const openSingle =
  (config: EngineConfig) =>
  ({ dropout = 0, ...overrides }: Overrides = {}): Promise<TrainingEngine> =>
    createEngine(config, specOf({ ...overrides, network: tinyStudent({ dropout }) }), { threads, batch });

/**
 * The contract of every engine.
 * @param open opens an engine for batches like `tinyStudent`'s
 */
export function describeEngine(name: string, open: (overrides?: Overrides) => Promise<TrainingEngine>): void {
  describe(`${name} engine`, () => {
    let plain: TrainingEngine;
    beforeAll(async () => {
      plain = await open();
    });
    afterAll(() => plain.dispose());

    test('learns a batch by heart', async () => {
      const first = await update(plain, noiseBatch(tinyStudent(), batch, 0), 0.05, 0);
      let last = first;
      for (let step = 1; step < 40 && !(last.correct === batch && last.loss < first.loss * 0.2); step++)
        last = await update(plain, noiseBatch(tinyStudent(), batch, 0), 0.05, step);
      expect(first.correct).toBeLessThan(batch);
      expect(last.correct).toBe(batch);
      expect(last.loss).toBeLessThan(first.loss * 0.2);
    });

    test('evaluates any number of images without a change of its state', async () => {
      const before = await bytes(plain);
      const { images } = noiseBatch(tinyStudent(), 5, 9);
      const five = await plain.evaluate(images, 5);
      const one = await plain.evaluate(images.slice(0, 100), 1);
      expect(five.length).toBe(50);
      one.forEach((logit, i) => expect(logit).toBeCloseTo(five[i], 3));
      expect(await bytes(plain)).toEqual(before);
    });

    test('refuses a state of another network', async () => {
      const state = new Map(await plain.state());
      state.delete('model/logits/bias');
      await expect(plain.load(state)).rejects.toThrow(/model\/logits\/bias/);
      state.set('model/logits/bias', { shape: [3], data: new Float32Array(3) });
      await expect(plain.load(state)).rejects.toThrow(/shape \[3\], expected \[10\]/);
    });

    test('continues from its state in a new engine, bit for bit, and leaves nothing behind', async () => {
      const overrides = { ...everything, dropout: 0.4 };
      const tensors = tf.memory().numTensors;
      const whole = await open(overrides);
      const before = await whole.state();
      await run(whole, 0, 2);
      const state = await whole.state();
      const losses = await run(whole, 2, 4);
      const second = await open(overrides);
      await second.load(state);
      expect(await run(second, 2, 4)).toEqual(losses);
      expect(await bytes(second)).toEqual(await bytes(whole));

      const after = await whole.state();
      const moved = [...before].filter(([name, { data }]) => data.some((x, i) => x !== after.get(name)?.data[i]));
      const names = moved.map(([own]) => own);
      expect(names).toContain('model/stem_bn/moving_mean');
      expect(names).toContain('average/stem_bn/moving_variance');
      expect(names).toContain('optimizer/first_moment/model/logits/kernel');
      await Promise.all([whole.dispose(), second.dispose()]);
      expect(tf.memory().numTensors).toBe(tensors);
    });

    test('returns the same for one call of several updates, with new dropout noise in each step', async () => {
      const engine = await open({ dropout: 0.4, optimizer: muon });
      const start = await engine.state();
      const updates = [0, 1, 2].map((i) => ({
        batch: noiseBatch(tinyStudent(), batch, i),
        learningRate: 0.05 / (1 + i),
      }));
      const metrics = [];
      for (const [i, each] of updates.entries()) metrics.push(...(await engine.train([each], 5 + i)));
      expect(metrics).toHaveLength(3);
      const [state, single] = [await engine.state(), await bytes(engine)];
      await engine.load(start);
      expect(await engine.train(updates, 5)).toEqual(metrics);
      expect(await bytes(engine)).toEqual(single);

      // Muon changes the last bits of kernels even at a rate of 0.
      const at = async (step: number): Promise<number> => {
        await engine.load(state);
        return (await update(engine, noiseBatch(tinyStudent(), batch, 0), 0, step)).loss;
      };
      const [a, b, again] = [await at(0), await at(1), await at(0)];
      expect(a).not.toBe(b);
      expect(again).toBe(a);
      await engine.dispose();
    });

    test('evaluates the moving average of weights and statistics', async () => {
      const averaged = await open({ ema: 0.9 });
      await run(averaged, 0, 4);
      const { images } = noiseBatch(tinyStudent(), 2, 9);
      const logits = await averaged.evaluate(images, 2);
      const state = await averaged.state();
      const load = (prefix: string): Promise<void> => {
        const named = [...state].filter(([own]) => own.startsWith(prefix));
        return plain.state().then((own) => {
          const values = named.map(([full, value]) => [full.replace(prefix, 'model/'), value] as const);
          return plain.load(new Map([...own, ...values]));
        });
      };
      await load('model/');
      expect([...logits]).not.toEqual([...(await plain.evaluate(images, 2))]);
      await load('average/');
      const expected = await plain.evaluate(images, 2);
      logits.forEach((logit, i) => expect(logit).toBeCloseTo(expected[i], 5));
      await averaged.dispose();
    });

    test('keeps a whitened stem, and trains its batch norm', async () => {
      const random = (await plain.state()).get('model/stem/kernel');
      if (random === undefined) throw new Error('there is no stem');
      const stem = { shape: random.shape, data: random.data.map((x) => x / 3) };
      const engine = await open({ ...everything, stem });
      const before = await engine.state();
      expect([...before.keys()].filter((own) => own.includes('stem/kernel'))).toEqual([
        'model/stem/kernel',
        'average/stem/kernel',
      ]);
      await run(engine, 0, 4);
      const after = await engine.state();
      for (const own of ['model', 'average']) expect(after.get(`${own}/stem/kernel`)).toEqual(stem);
      for (const own of ['stem_bn/gamma', 'stem_bn/moving_mean', 'logits/kernel'])
        expect(after.get(`model/${own}`)).not.toEqual(before.get(`model/${own}`));
      await engine.dispose();
    });
  });
}
