import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { initialWeights } from '../../../spaces/models/index.js';
import { createEngine, trainSchema, type EngineConfig, type TrainingEngine } from '../../../trainers/index.js';
import { networkFeatureTeacher } from '../../../trainers/engines/features.js';
import type { ProgramSpec } from '../../../trainers/engines/index.js';
import { lossSchema, type LossConfig, type OptimizerConfig } from '../../../trainers/schema.js';
import { noiseBatch, tinyStudent, tinyTeacher, update } from '../support/networks.js';

export const batch = 6;
export const threads = 1;

const loss = (config: Partial<LossConfig> & Pick<LossConfig, 'type'>): LossConfig => lossSchema.parse(config);
const optimizer = (config: Partial<OptimizerConfig> & Pick<OptimizerConfig, 'type'>): OptimizerConfig =>
  trainSchema.parse({ optimizer: config }).optimizer;

/** Everything that an engine has to carry, at once. */
export const everything: Overrides = {
  loss: loss({ type: 'kd', hints: 0.5, attention: 10, label_smoothing: 0.1 }),
  optimizer: optimizer({ type: 'adamw' }),
  ema: 0.9,
};

export function specOf(overrides: Partial<ProgramSpec> = {}): () => ProgramSpec {
  return () => {
    const spec: ProgramSpec = {
      network: tinyStudent(),
      seed: 7,
      loss: loss({ type: 'cross-entropy' }),
      optimizer: optimizer({ type: 'sgd', learning_rate: 0.05 }),
      ema: 0,
      teacher: null,
      ...overrides,
    };
    const features = spec.loss.type !== 'cross-entropy' && (spec.loss.hints > 0 || spec.loss.attention > 0);
    return {
      ...spec,
      teacher: features
        ? networkFeatureTeacher({ network: tinyTeacher(), weights: initialWeights(tinyTeacher(), 1) })
        : null,
    };
  };
}

/** Losses of some steps on a few batches in turn. */
export async function run(engine: TrainingEngine, from: number, to: number, rate = 0.05): Promise<number[]> {
  const losses: number[] = [];
  for (let step = from; step < to; step++) {
    const metrics = await update(engine, noiseBatch(tinyStudent(), batch, step % 3), rate, step);
    losses.push(metrics.loss);
  }
  return losses;
}

const bytes = async (engine: TrainingEngine): Promise<Record<string, string>> =>
  Object.fromEntries(
    [...(await engine.state())].map(([name, { data }]) => [name, Buffer.from(data.buffer).toString('base64')]),
  );

/** What an engine is opened with: all but what it trains, whose dropout alone is asked for. */
export interface Overrides extends Partial<Pick<ProgramSpec, 'loss' | 'optimizer' | 'ema'>> {
  readonly dropout?: number;
}

/** Engines of one network. */
export const openSingle =
  (config: EngineConfig) =>
  ({ dropout = 0, ...overrides }: Overrides = {}): Promise<TrainingEngine> =>
    createEngine(config, specOf({ ...overrides, network: tinyStudent({ dropout }) }), { threads, batch });

/**
 * What every engine promises, whatever it trains and whatever runs its steps.
 * @param open makes an engine for batches like `tinyStudent`'s
 */
export function describeEngine(name: string, open: (overrides?: Overrides) => Promise<TrainingEngine>): void {
  describe(`${name} engine`, () => {
    test('learns a batch by heart', async () => {
      const engine = await open();
      const first = await update(engine, noiseBatch(tinyStudent(), batch, 0), 0.05, 0);
      let last = first;
      for (let step = 1; step < 40 && !(last.correct === batch && last.loss < first.loss * 0.2); step++)
        last = await update(engine, noiseBatch(tinyStudent(), batch, 0), 0.05, step);
      expect(first.correct).toBeLessThan(batch);
      expect(last.correct).toBe(batch);
      expect(last.loss).toBeLessThan(first.loss * 0.2);
      await engine.dispose();
    });

    test.each<[string, Overrides]>([
      ['SGD', {}],
      ['AdamW, average, distillation, hints and attention', everything],
      ['dropout', { dropout: 0.4 }],
    ])('continues from its state in a new engine, bit for bit: %s', async (_name, overrides) => {
      const whole = await open(overrides);
      const losses = await run(whole, 0, 6);
      const first = await open(overrides);
      const head = await run(first, 0, 2);
      const state = await first.state();
      await run(first, 2, 3);
      await first.dispose();
      const second = await open(overrides);
      await second.load(state);
      const tail = await run(second, 2, 6);
      expect([...head, ...tail]).toEqual(losses);
      expect(await bytes(second)).toEqual(await bytes(whole));
      await Promise.all([whole.dispose(), second.dispose()]);
    });

    test('comes to the same however many updates are asked for at once', async () => {
      const overrides = { dropout: 0.4 };
      const [single, several] = [await open(overrides), await open(overrides)];
      const updates = [0, 1, 2].map((i) => ({
        batch: noiseBatch(tinyStudent(), batch, i),
        learningRate: 0.05 / (1 + i),
      }));
      const metrics = [];
      for (const [i, each] of updates.entries()) metrics.push(...(await single.train([each], 5 + i)));
      expect(metrics).toHaveLength(3);
      expect(await several.train(updates, 5)).toEqual(metrics);
      expect(await bytes(several)).toEqual(await bytes(single));
      await Promise.all([single.dispose(), several.dispose()]);
    });

    test('draws other dropout noise each step, the same for a seed', async () => {
      const overrides = { dropout: 0.5, optimizer: optimizer({ type: 'sgd', momentum: 0 }) };
      const engine = await open(overrides);
      const at = async (step: number): Promise<number> =>
        (await update(engine, noiseBatch(tinyStudent(), batch, 0), 0, step)).loss;
      const [a, b, again] = [await at(0), await at(1), await at(0)];
      expect(a).not.toBe(b);
      expect(again).toBe(a);
      await engine.dispose();
    });

    test('evaluates any number of images and changes nothing', async () => {
      const engine = await open();
      await run(engine, 0, 2);
      const before = await bytes(engine);
      const { images } = noiseBatch(tinyStudent(), 5, 9);
      const five = await engine.evaluate(images, 5);
      const one = await engine.evaluate(images.slice(0, 100), 1);
      expect(five.length).toBe(50);
      one.forEach((logit, i) => expect(logit).toBeCloseTo(five[i] ?? NaN, 4));
      expect(await bytes(engine)).toEqual(before);
      await engine.dispose();
    });

    test('evaluates the moving average of weights and statistics', async () => {
      const averaged = await open({ ema: 0.9 });
      const plain = await open();
      await run(averaged, 0, 4);
      await run(plain, 0, 4);
      const { images } = noiseBatch(tinyStudent(), 2, 9);
      const logits = await averaged.evaluate(images, 2);
      expect([...logits]).not.toEqual([...(await plain.evaluate(images, 2))]);
      const state = await averaged.state();
      await plain.load(
        new Map(
          [...(await plain.state())].map(([name, value]) => [
            name,
            state.get(name.replace('model/', 'average/')) ?? value,
          ]),
        ),
      );
      const expected = await plain.evaluate(images, 2);
      logits.forEach((logit, i) => expect(logit).toBeCloseTo(expected[i] ?? NaN, 5));
      await Promise.all([averaged.dispose(), plain.dispose()]);
    });

    test('moves batch norm statistics and leaves the teacher alone', async () => {
      const engine = await open(everything);
      const before = await engine.state();
      await run(engine, 0, 1);
      const after = await engine.state();
      const moved = [...before]
        .filter(([name, { data }]) => data.some((x, i) => x !== after.get(name)?.data[i]))
        .map(([name]) => name);
      expect(moved).toContain('model/stem_bn/moving_mean');
      expect(moved).toContain('average/stem_bn/moving_variance');
      expect(moved.filter((name) => name.startsWith('adapter/')).length).toBeGreaterThan(0);
      expect([...before.keys()].filter((name) => name.includes('teacher'))).toEqual([]);
      await engine.dispose();
    });

    test('names its states the same whatever was built before', async () => {
      const [first, second] = [await open(everything), await open(everything)];
      expect([...(await second.state()).keys()]).toEqual([...(await first.state()).keys()]);
      expect([...(await first.state()).keys()]).toContain('optimizer/first_moment/model/logits/kernel');
      await Promise.all([first.dispose(), second.dispose()]);
    });

    test('leaves nothing behind', async () => {
      const use = async (): Promise<number> => {
        const engine = await open(everything);
        await run(engine, 0, 1);
        await engine.dispose();
        return tf.memory().numTensors;
      };
      expect(await use()).toBe(await use());
    });

    test('refuses a state of another network', async () => {
      const engine = await open();
      const state = new Map(await engine.state());
      state.delete('model/logits/bias');
      await expect(engine.load(state)).rejects.toThrow(/model\/logits\/bias/);
      const reshaped = new Map(await engine.state()).set('model/logits/bias', {
        shape: [3],
        data: new Float32Array(3),
      });
      await expect(engine.load(reshaped)).rejects.toThrow(/shape \[3\], expected \[10\]/);
      await engine.dispose();
    });

    test.each<LossConfig>([loss({ type: 'dkd' }), loss({ type: 'dkd', hints: 1 }), loss({ type: 'kd', attention: 1 })])(
      'trains with %o',
      async (config) => {
        const engine = await open({ loss: config });
        const losses = await run(engine, 0, 9, 0.02);
        expect(losses.every(Number.isFinite)).toBe(true);
        expect(losses.at(-1)).toBeLessThan(losses[2] ?? NaN);
        await engine.dispose();
      },
    );
  });
}
