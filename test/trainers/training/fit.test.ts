import fs, { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  calibrateBatchNorm,
  fit,
  onProcessor,
  trainSchema,
  withDataset,
  type CompleteFit,
  type FitJob,
} from '../../../trainers/index.js';
import { slicedTo, type WeightValue } from '../../../spaces/models/index.js';
import { readTensorFile } from '../../../trainers/tensor-file.js';
import { tiniestStudent, tinyStudent } from '../support/networks.js';
import {
  auto,
  compiled,
  openWorkbench,
  sharedWorkbench,
  quiet,
  tinyJob,
  tinyTrain,
  Died,
  before,
  complete,
  die,
  outcomeOf,
  stopping,
} from '../support/tiny-training.js';
import { evaluateModel } from '../support/evaluate-model.js';

const bench = sharedWorkbench([8]);
let whole: CompleteFit;
let wholeSeconds: number;

beforeAll(async () => {
  const start = performance.now();
  whole = await complete(tinyJob(bench, 'whole'));
  wholeSeconds = (performance.now() - start) / 1000;
});

/** The filters of the stem. */
function kernelOf({ weights }: CompleteFit): WeightValue {
  const kernel = readTensorFile(weights).tensors.get('stem/kernel');
  if (kernel === undefined) throw new Error('there is no stem');
  return kernel;
}

function expectEqual(result: CompleteFit, expected: CompleteFit): void {
  expect(outcomeOf(result)).toEqual(outcomeOf(expected));
  expect(result.accuracy).toBe(expected.accuracy);
}

describe('fit', () => {
  test('gives a curve, the accuracy of its end, and the averaged weights', () => {
    expect(whole.curve.map(({ epoch }) => epoch)).toEqual([0, 1]);
    const spent = whole.curve.map(({ seconds }) => seconds);
    expect(Math.min(...spent)).toBeGreaterThan(0);
    expect(spent[0] + spent[1]).toBeLessThan(wholeSeconds);
    expect(whole.accuracy).toBe(whole.curve[1]?.validation_accuracy);
    expect(readTensorFile(whole.weights).tensors.has('stem/kernel')).toBe(true);
    expect(existsSync(join(bench.folder, 'whole', 'checkpoint.bin'))).toBe(false);
  });

  test('repeats itself, and differs with the seed', async () => {
    expectEqual(await complete(tinyJob(bench, 'again')), whole);
    const other = await complete(tinyJob(bench, 'other-seed', { seed: 4 }));
    expect(outcomeOf(other).curve).not.toEqual(outcomeOf(whole).curve);
  });

  test('opens the data once, and its threads read what is open', async () => {
    const own = await openWorkbench();
    const opened: string[] = [];
    const { openSync } = fs;
    fs.openSync = (...parameters) => {
      opened.push(String(parameters[0]));
      return openSync(...parameters);
    };
    syncBuiltinESMExports();
    try {
      // Opening the files again would fail.
      const remove = before(0, () => fs.rmSync(own.dataset.directory, { recursive: true }));
      expectEqual(await complete(tinyJob(own, 'once'), quiet(remove)), whole);
    } finally {
      fs.openSync = openSync;
      syncBuiltinESMExports();
    }
    const files = opened.filter((path) => path.startsWith(own.dataset.directory));
    expect(files).toContain(join(own.dataset.directory, 'images.u8'));
    expect(files).toHaveLength(new Set(files).size);
  });

  test('trains on images of another size as rendered by its threads', async () => {
    const network = { ...tiniestStudent, input: [8, 8, 1] as const };
    const job = tinyJob(bench, 'small', { network });
    const { curve } = await complete(job);
    const { weights } = await complete(job);
    const options = {
      network,
      weights,
      dataset: bench.dataset,
      split: 'validation',
      engine: auto,
      threads: 1,
    } as const;
    expect((await evaluateModel(options)).loss).toBeCloseTo(curve[1].validation_loss, 5);
  });

  // 0-5: first epoch, 6-7: its validation, 8-13: second epoch, 14-15: its validation.
  test.each([11])('continues after a signal at moment %d, bit for bit', async (moment) => {
    const job = tinyJob(bench, `signal-${moment}`);
    expect((await fit(job, stopping(moment))).state).toBe('interrupted');
    const starts: { epoch: number; step: number }[] = [];
    const second = await complete(job, quiet({ onStart: (position) => starts.push(position) }));
    expect(starts).toEqual([{ epoch: moment < 8 ? 0 : 1, step: Math.min(6, moment % 8) }]);
    expectEqual(second, whole);
  });

  test.each<[string, number, number]>([
    ['from the last epoch', 1000, 10],
    ['from its last step', 1e-6, 4],
  ])('continues after a sudden death %s', async (name, seconds, moment) => {
    const job = tinyJob(bench, name, { train: { ...tinyTrain, checkpoint_seconds: seconds } });
    await expect(fit(job, quiet(before(moment, die)))).rejects.toThrow(Died);
    const starts: { epoch: number; step: number }[] = [];
    expectEqual(await complete(job, quiet({ onStart: (position) => starts.push(position) })), whole);
    expect(starts).toEqual([moment < 8 ? { epoch: 0, step: moment } : { epoch: 1, step: 0 }]);
  });

  test('by the fast recipe, when short, ends with statistics of its final weights, also after an interruption', async () => {
    const train = trainSchema.parse({ ...tinyTrain, recipe: 'fast', optimizer: { type: 'muon' }, ema: 0.5 });
    const own = { train, engine: compiled };
    const once = await complete(tinyJob(bench, 'short', own));
    const { network, dataset, seed } = tinyJob(bench, 'short');
    const { tensors: weights } = readTensorFile(once.weights);
    const again = await withDataset(dataset, (dataset) => {
      const { augment, class_sampling: classSampling, batch } = train;
      const images = { dataset, augment, classSampling, batch, calibration: 2048, seed };
      return calibrateBatchNorm({ network, weights }, images, { engine: onProcessor, threads: 1 });
    });
    expect([...again].map(([name, { data }]) => [name, data])).toEqual(
      [...weights].map(([name, { data }]) => [name, data]),
    );
    const job = tinyJob(bench, 'short-interrupted', own);
    // Before the last validation, in the middle of the statistics.
    await fit(job, stopping(16));
    expectEqual(await complete(job), once);
  });

  test('in parts is the same as in one, bit for bit', async () => {
    const job = tinyJob(bench, 'parts');
    const first = await fit({ ...job, until: 1 }, quiet());
    expect(first).toMatchObject({ state: 'paused', accuracy: whole.curve[0].validation_accuracy });
    expect(first.curve).toEqual([{ ...whole.curve[0], seconds: expect.any(Number) as number }]);
    expect(await fit({ ...job, until: 1 }, quiet())).toEqual(first);
    expectEqual(await complete({ ...job, until: 2 }), whole);
  });

  test('starts over when the checkpoint is damaged, and says so', async () => {
    const job = tinyJob(bench, 'damaged');
    await expect(fit(job, quiet(before(10, die)))).rejects.toThrow(Died);
    const file = join(job.directory, 'checkpoint.bin');
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(file, bytes);
    const notes: string[] = [];
    expectEqual(await complete(job, quiet({ onNote: (note) => notes.push(note) })), whole);
    expect(notes).toEqual([expect.stringMatching(/checkpoint\.bin is damaged.*starts over/)]);
  });

  test('does not continue the checkpoint of another job', async () => {
    const other = tinyJob(bench, 'left-behind', { seed: 8 });
    await expect(fit(other, quiet(before(10, die)))).rejects.toThrow(Died);
    expectEqual(await complete(tinyJob(bench, 'left-behind')), whole);
  });

  test('returns a finished result at once', async () => {
    const job = tinyJob(bench, 'finished');
    mkdirSync(job.directory);
    copyFileSync(whole.weights, join(job.directory, 'weights.bin'));
    const result = await complete(job, quiet({ pause: die, onEpoch: die }));
    expect(result.curve).toEqual(whole.curve);
  });

  test('starts from given weights', async () => {
    const first = await complete(tinyJob(bench, 'warm', { initial: { file: whole.weights } }));
    expect(first.curve[0]?.train_loss).toBeLessThan(whole.curve[0]?.train_loss ?? NaN);
  });

  test('keeps a whitened stem, also after a death and in slices of it', async () => {
    const train = { ...tinyTrain, stem: 'whitened' } as const;
    const job = tinyJob(bench, 'whitened', { train });
    const result = await complete(job);
    const stem = kernelOf(result);
    const dead = tinyJob(bench, 'whitened-dead', { train });
    await expect(fit(dead, quiet(before(10, die)))).rejects.toThrow(Died);
    expectEqual(await complete(dead), result);

    // The same bits in a narrower network and in fine-tuning; other weights are trained and not replaced.
    const narrow = { ...tiniestStudent, stem: { ...tiniestStudent.stem, filters: 3 } };
    const shared = { file: result.weights, places: ['1.1'], partial: true };
    const slice = await complete(tinyJob(bench, 'slice', { train, network: narrow, initial: shared }));
    expect(kernelOf(slice)).toEqual(slicedTo(stem, [3, 3, 1, 3]));
    const given = await complete(tinyJob(bench, 'given', { train, initial: { file: whole.weights } }));
    const [moved, from] = [kernelOf(given).data, kernelOf(whole).data];
    expect(Math.max(...moved.map((x, i) => Math.abs(x - from[i])))).toBeGreaterThan(1e-4);
    expect(Math.max(...moved.map((x, i) => Math.abs(x - from[i])))).toBeLessThan(0.5);
    // 'trained' is the default, with the same files.
    const trained = tinyJob(bench, 'whole', { train: { ...tinyTrain, stem: 'trained' } });
    expect(await complete(trained, quiet({ pause: die }))).toEqual(whole);
  });

  test('waits while paused', async () => {
    let resume: () => void = () => undefined;
    let count = 0;
    const start = performance.now();
    const running = complete(
      tinyJob(bench, 'paused'),
      quiet({ pause: () => (count++ === 2 ? new Promise<void>((resolve) => (resume = resolve)) : undefined) }),
    );
    while (count < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(count).toBe(3);
    const waited = (performance.now() - start) / 1000;
    resume();
    const result = await running;
    expectEqual(result, whole);
    // Pauses do not count as training time.
    expect(result.curve[0].seconds).toBeLessThan((performance.now() - start) / 1000 - 0.1);
    expect(waited).toBeGreaterThan(0.1);
  });

  test.each<[string, Partial<FitJob>, RegExp]>([
    [
      'a batch of more than all images',
      { train: { ...tinyTrain, batch: 121 } },
      /batch of 121 images is more than the \d+ images/,
    ],
    ['other classes', { network: tinyStudent({ classes: 9 }) }, /9 outputs, the data needs 10/],
    ['colour', { network: { ...tinyStudent(), input: [10, 10, 3] } }, /3 channels, the images have 1/],
    ['a loss without its teacher', { train: trainSchema.parse({ loss: { type: 'kd' } }) }, /there is no teacher/],
  ])('refuses %s', async (name, overrides, message) => {
    await expect(fit(tinyJob(bench, name, overrides), quiet())).rejects.toThrow(message);
  });
});
