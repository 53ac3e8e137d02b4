import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { DeviceFailure } from '../../../base/errors.js';
import type { ClassDetails } from '../../../base/scores.js';
import { resolveTarget } from '../../../compiler/index.js';
import { withDataset } from '../../../trainers/data/index.js';
import { createCompiledEngine } from '../../../trainers/engines/compiled.js';
import { activateBackend, type TrainingEngine } from '../../../trainers/engines/index.js';
import { createNetworkProgram } from '../../../trainers/engines/network-program.js';
import { resumableFit, trainResumably, trainingHash } from '../../../trainers/training/fit.js';
import { trainSchema, type FitHooks, type FitJob, type FitProgress, type FitResult } from '../../../trainers/index.js';
import { lossSchema } from '../../../trainers/schema/loss.js';
import type { BestEpoch, TrainingPlan } from '../../../trainers/training/training-loop.js';
import { presetNetworks } from '../../../spaces/index.js';
import {
  sharedWorkbench,
  quiet,
  tinyJob,
  tinyTrain,
  completed,
  outcomeOf,
  stopping,
} from '../support/tiny-training.js';
import { evaluateModel } from '../support/evaluate-model.js';

const bench = sharedWorkbench();
beforeAll(async () => {
  await activateBackend();
});

/** `fit` with this many steps in a call. */
const fitBy = (stepsAtOnce: number, job: FitJob, hooks: FitHooks = quiet()): Promise<FitResult> =>
  withDataset(job.dataset, (dataset) => {
    const { network, seed, train } = job;
    const { optimizer, ema, batch } = train;
    const spec = { network, seed, optimizer, ema, loss: lossSchema.parse({ type: 'cross-entropy' }), teacher: null };
    const engine = async () => {
      const target = await resolveTarget({ stepsAtOnce });
      return createCompiledEngine(createNetworkProgram(spec), { target, batch });
    };
    return trainResumably({ ...resumableFit(job, dataset), engine }, dataset, hooks);
  });

const outcome = (result: FitResult) => outcomeOf(completed(result));

describe('a training that keeps its best epoch', () => {
  const job = (name: string): FitJob => tinyJob(bench, name, { train: { ...tinyTrain, epochs: 6 } });
  /** The second epoch is the best one, the third as good. */
  const best: BestEpoch = { score: ({ epoch }) => [0, 2, 2, 1, 1, 1][epoch], patience: 2 };
  const train = (name: string, hooks: FitHooks = quiet(), own = best) =>
    withDataset(bench.dataset, (dataset) => {
      const training = resumableFit(job(name), dataset);
      return trainResumably({ ...training, plan: { ...training.plan, best: own } }, dataset, hooks);
    });

  test('has its weights and scores, and ends where no better one comes', async () => {
    const found = completed(await train('best'));
    const { curve } = outcomeOf(found);
    expect(curve).toHaveLength(5);
    expect(found.accuracy).toBe(curve[2].validation_accuracy);
    const { network, seed: _, ...rest } = job('best');
    const { weights } = found;
    const scores = await evaluateModel({ ...rest, network, weights, split: 'validation' });
    expect(scores.loss).toBeCloseTo(curve[2].validation_loss, 5);
    expect(found.details).toMatchObject({ confusion: (scores.details as ClassDetails).confusion });
    expect(await train('best')).toEqual(found);
    expect(existsSync(join(bench.folder, 'best', 'best.bin'))).toBe(false);
    const last = await train('last', quiet(), { score: ({ epoch }) => epoch, patience: 1 });
    expect(outcome(last).curve).toHaveLength(6);
  });

  test('is the same after interruptions; without the weights of the best epoch, it starts over', async () => {
    const whole = outcome(await train('whole best'));
    for (let epochs = 0; epochs < 5; epochs++) {
      const controller = new AbortController();
      const hooks = quiet({ signal: controller.signal, onEpoch: () => controller.abort() });
      await train('killed', hooks);
    }
    expect(outcome(await train('killed'))).toEqual(whole);
    const controller = new AbortController();
    await train('lost', quiet({ signal: controller.signal, onEpoch: () => controller.abort() }));
    rmSync(join(bench.folder, 'lost', 'best.bin'));
    const notes: string[] = [];
    expect(outcome(await train('lost', quiet({ onNote: (note) => void notes.push(note) })))).toEqual(whole);
    expect(notes[0]).toContain('this training starts over');
  });
});

describe('a training with four steps in a call', () => {
  // Epochs have six steps, so groups of four and two.
  const train = { ...tinyTrain, checkpoint_seconds: 1e-6 };
  let single: ReturnType<typeof outcome>;
  beforeAll(async () => {
    single = outcome(await fitBy(1, tinyJob(bench, 'single', { train })));
  });

  test('gives the result of single steps and reports after each group', async () => {
    const progress: FitProgress[] = [];
    let pauses = 0;
    const hooks = quiet({
      onProgress: (at) => progress.push(at),
      pause: () => {
        pauses++;
      },
    });
    expect(outcome(await fitBy(4, tinyJob(bench, 'four', { train }), hooks))).toEqual(single);
    // Two groups and two batches of validation an epoch.
    expect(pauses).toBe(8);
    expect(progress.every(({ step }) => step === 4 || step === 6)).toBe(true);
    expect(progress.filter(({ step }) => step === 6)).toHaveLength(2);
  });

  test('resumes after an interruption between groups, bit for bit', async () => {
    const job = tinyJob(bench, 'stopped', { train });
    expect((await fitBy(4, job, stopping(1))).state).toBe('interrupted');
    expect(outcome(await fitBy(4, job))).toEqual(single);
  });

  test('resumes from any step of another engine', async () => {
    const job = tinyJob(bench, 'single-first', { train });
    const starts: number[] = [];
    const started = (hooks: FitHooks): FitHooks => ({ ...hooks, onStart: ({ step }) => void starts.push(step) });
    expect((await fitBy(1, job, stopping(3))).state).toBe('interrupted');
    // From 3: a group of three and the validation, then groups of four and two.
    expect((await fitBy(4, job, started(stopping(3)))).state).toBe('interrupted');
    expect(outcome(await fitBy(1, job, started(quiet())))).toEqual(single);
    expect(starts).toEqual([3, 0]);
  });

  test('names the step that diverged', async () => {
    const diverging = { ...train, optimizer: { ...train.optimizer, learning_rate: 1e30 }, warmup_epochs: 0 };
    const reason = async (stepsAtOnce: number): Promise<unknown> => {
      const job = tinyJob(bench, `diverging-${stepsAtOnce}`, { train: diverging });
      const error: unknown = await fitBy(stepsAtOnce, job).catch((thrown: unknown) => thrown);
      rmSync(job.directory, { recursive: true, force: true });
      return String(error);
    };
    const first = await reason(1);
    expect(first).toMatch(/the loss is NaN at epoch 0, step [1-3] /);
    expect(await reason(4)).toBe(first);
  });
});

describe('a training that fails', () => {
  test.each<[DeviceFailure['kind'], number, RegExp]>([
    ['memory', 16, /^Set a smaller train.batch: 8 instead of 16.$/],
    ['memory', 1, /^Train smaller networks or images: a batch has one image already.$/],
    ['lost', 16, /goes on from its checkpoint in a new process. .* Set a smaller train.batch: 8 instead of 16.$/],
  ])('says what to do about a device that fails: %s, with batches of %d', async (kind, batch, hint) => {
    const failing = (engine: TrainingEngine): TrainingEngine => ({
      ...engine,
      train: () => {
        throw new DeviceFailure(kind, 'the device failed');
      },
    });
    const job = tinyJob(bench, `${kind}-${batch}`, { train: { ...tinyTrain, batch } });
    const error: unknown = await withDataset(job.dataset, (dataset) => {
      const training = resumableFit(job, dataset);
      const engine = async (): Promise<TrainingEngine> => failing(await training.engine());
      return trainResumably({ ...training, engine }, dataset, quiet());
    }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DeviceFailure);
    expect(error).toMatchObject({ kind, message: 'the device failed', hint: expect.stringMatching(hint) as string });
  });
});

describe('the hash of a training', () => {
  const hashOf = (config: object, own: Partial<TrainingPlan> = {}): Promise<string> =>
    withDataset(bench.dataset, (dataset) => {
      const loss = lossSchema.parse({ type: 'cross-entropy' });
      const plan = {
        ...resumableFit(tinyJob(bench, 'hashed'), dataset).plan,
        train: trainSchema.parse(config),
        loss,
        ...own,
      };
      return Promise.resolve(trainingHash(['fit'], plan, 'images'));
    });

  test('depends on a key only where it is not what an absent key means', async () => {
    const before = '3e912c7464f6889e13bc8aea0a0e3cb328c6d06a63b650ff713624c99987f5a5';
    const plain = { recipe: 'plain' };
    expect(await hashOf(plain)).toBe(before);
    expect(await hashOf({ ...plain, schedule: 'cosine', stem: 'trained' })).toBe(before);
    expect(await hashOf({ ...plain, class_sampling: 'natural' })).toBe(before);
    const balance = [{ class_sampling: 'balanced' }, { class_weight: 'auto' }, { class_weight: { a: 2 } }];
    for (const other of [{ schedule: 'linear' }, { stem: 'whitened' }, ...balance])
      expect(await hashOf({ ...plain, ...other })).not.toBe(before);
    expect(await hashOf(plain, { estimateStatistics: (weights) => Promise.resolve(weights) })).not.toBe(before);
  });

  test('depends on the rates that a recipe gives to single weights', async () => {
    const hashes = await withDataset(bench.dataset, (dataset) => {
      const { info } = dataset;
      const network = presetNetworks.pooled({ input: [10, 10, info.channels], classes: info.classes.length }, 0.25);
      const fast = trainSchema.parse({ batch: 16, epochs: 1000 });
      const trains = [fast, { ...fast, recipe: 'plain' } as const];
      return Promise.resolve(
        trains.map((train) => resumableFit(tinyJob(bench, 'rates', { network, train }), dataset).hash),
      );
    });
    expect(new Set(hashes).size).toBe(2);
  });
});
