import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { compile, resolveTarget, type Feed, type Program } from '../../../compiler/index.js';
import { CompiledTraining } from '../../../trainers/engines/compiled.js';
import { GradientSums } from '../../../trainers/engines/gradient-sums.js';
import { createTrainingProgram, type TrainingProgram } from '../../../trainers/engines/training-program.js';
import { createEngine, engineSchema, trainSchema } from '../../../trainers/index.js';
import type { ProgramSpec } from '../../../trainers/engines/index.js';
import { lossSchema } from '../../../trainers/schema.js';
import { noiseBatch, tinyStudent } from '../support/networks.js';
import { batch, describeEngine, everything, run, specOf, threads } from './contract.js';

const compiled = engineSchema.parse({ type: 'compiled' });
const eager = engineSchema.parse({ type: 'eager', backend: 'cpu' });

describeEngine(compiled);

test('the compiled engine repeats itself with several threads, bit for bit', async () => {
  const network = { ...tinyStudent({ size: 16 }), stem: { ...tinyStudent().stem, filters: 32 } };
  const train = async (): Promise<number[]> => {
    const engine = await createEngine(compiled, specOf({ network }), { threads: 2, batch: 32 });
    const losses: number[] = [];
    for (let step = 0; step < 5; step++)
      losses.push((await engine.step(noiseBatch(network, 32, step), 0.05, step)).loss);
    await engine.dispose();
    return losses;
  };
  expect(await train()).toEqual(await train());
});

describe('compiled and eager engines', () => {
  test.each<[string, Partial<ProgramSpec>]>([
    ['SGD', {}],
    ['AdamW, average, distillation, hints and attention', everything],
    [
      'decoupled distillation and dropout',
      { loss: lossSchema.parse({ type: 'dkd' }), network: tinyStudent({ dropout: 0.3 }) },
    ],
    ['weight decay', { optimizer: trainSchema.parse({ optimizer: { type: 'sgd', weight_decay: 0.01 } }).optimizer }],
  ])('train to the same losses for 20 steps: %s', async (_name, overrides) => {
    const options = { threads, batch };
    const [a, b] = [
      await createEngine(compiled, specOf(overrides), options),
      await createEngine(eager, specOf(overrides), options),
    ];
    const [actual, expected] = [await run(a, 0, 20, 0.02), await run(b, 0, 20, 0.02)];
    actual.forEach((loss, step) => expect(Math.abs(loss / expected[step] - 1)).toBeLessThan(1e-4));
    // A state of one goes on in the other.
    b.load(a.state());
    const [[next], [same]] = [await run(a, 20, 21), await run(b, 20, 21)];
    expect(Math.abs(next / same - 1)).toBeLessThan(1e-4);
    await Promise.all([a.dispose(), b.dispose()]);
  });
});

describe('gradients apart from the update', () => {
  // SGD: Adam makes steps of full length of gradients that are zero but for rounding.
  const overrides: Partial<ProgramSpec> = { ema: 0.9 };
  const rates = { learningRate: 0.02, averageDecay: 0.9 };

  /** Trains a fresh network by programs of its training, and gives all its states. */
  async function trained(
    train: (training: CompiledTraining, program: TrainingProgram, sums: GradientSums) => Promise<Program[]>,
  ): Promise<Record<string, Float32Array>> {
    const program = createTrainingProgram(specOf(overrides)());
    const sums = new GradientSums(program.parameters);
    const training = new CompiledTraining(program, { target: await resolveTarget(), batch });
    const programs = await train(training, program, sums);
    const values = training.states.snapshot();
    const states = [...program.states].map(([name, { name: own }]) => [name, values.get(own)?.data] as const);
    for (const each of programs) await each.dispose();
    sums.dispose();
    program.dispose();
    return Object.fromEntries(states) as Record<string, Float32Array>;
  }

  const feeds = (training: CompiledTraining, i: number): Record<string, Feed> => ({
    ...training.feeds(noiseBatch(tinyStudent(), batch, i), rates.learningRate, 0),
    averageDecay: rates.averageDecay,
  });

  function expectSame(actual: Record<string, Float32Array>, expected: Record<string, Float32Array>): void {
    expect(Object.keys(actual)).toEqual(Object.keys(expected));
    for (const [name, values] of Object.entries(expected)) {
      const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
      const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[name][i])), 0);
      expect(worst / scale, name).toBeLessThan(1e-5);
    }
  }

  test('of one batch make the step', async () => {
    const apart = await trained(async (training, _, sums) => {
      const [gradients, update] = [await training.compileGradients(sums), await training.compileUpdate(sums)];
      for (const i of [0, 1, 2]) {
        await gradients.run({ ...feeds(training, i), keep: 0 });
        await update.run(rates);
      }
      return [gradients, update];
    });
    const together = await trained(async (training) => {
      const step = await training.compileStep();
      for (const i of [0, 1, 2]) await step.run(feeds(training, i));
      return [step];
    });
    expectSame(apart, together);
  });

  test('of several batches are summed before one update', async () => {
    const apart = await trained(async (training, _, sums) => {
      const [gradients, update] = [await training.compileGradients(sums), await training.compileUpdate(sums)];
      for (const i of [0, 2]) {
        await gradients.run({ ...feeds(training, i), keep: 0 });
        await gradients.run({ ...feeds(training, i + 1), keep: 1 });
        await update.run(rates);
      }
      return [gradients, update];
    });
    const together = await trained(async (training, program) => {
      const image = { shape: [batch, ...tinyStudent().input] };
      const rows = { shape: [batch, tinyStudent().classes] };
      const step = await compile(
        ({ a, aLabels, b, bLabels, learningRate, averageDecay }) => {
          const first = program.gradients({ images: a, labels: aLabels });
          const second = program.gradients({ images: b, labels: bLabels });
          const sum = new Map(
            [...first.grads].map(([name, grad]) => [name, tf.add(grad, second.grads.get(name) ?? 0)]),
          );
          program.update(sum, { learningRate, averageDecay });
          return { loss: first.loss };
        },
        { a: image, aLabels: rows, b: image, bLabels: rows, learningRate: { shape: [] }, averageDecay: { shape: [] } },
        { states: training.states, checkDeterminism: false },
      );
      for (const i of [0, 2]) {
        const [{ images: a, labels: aLabels }, { images: b, labels: bLabels }] = [
          feeds(training, i),
          feeds(training, i + 1),
        ];
        await step.run({ a, aLabels, b, bLabels, ...rates });
      }
      return [step];
    });
    expectSame(apart, together);
  });
});
