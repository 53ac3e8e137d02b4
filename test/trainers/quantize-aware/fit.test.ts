import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fit, quantizeAwareTraining, type CompleteFit, type FitHooks, type FitJob } from '../../../trainers/index.js';
import { readTensorFile } from '../../../trainers/tensor-file.js';
import { openWorkbench, quiet, tinyJob, tinyTrain, type Workbench } from '../support/tiny-training.js';

let bench: Workbench;
let trained: CompleteFit;
let tuned: CompleteFit;

const fineTuning = (name: string, overrides: Partial<FitJob> = {}): FitJob =>
  tinyJob(bench, name, {
    train: quantizeAwareTraining(tinyTrain, 2),
    initial: { file: trained.weights },
    quantizeAware: { weightBits: 8, method: 'minmax', percentile: 99.99, images: 32, seed: 3 },
    ...overrides,
  });

async function complete(job: FitJob, hooks: FitHooks = quiet()): Promise<CompleteFit> {
  const result = await fit(job, hooks);
  if (result.state !== 'complete') throw new Error('the training was interrupted');
  return result;
}

beforeAll(async () => {
  bench = await openWorkbench();
  trained = await complete(tinyJob(bench, 'trained'));
  tuned = await complete(fineTuning('tuned'));
});
afterAll(() => bench.close());

const withoutTime = ({ curve }: CompleteFit) => curve.map((metrics) => ({ ...metrics, seconds: 0 }));
const weightsOf = ({ weights }: CompleteFit): Map<string, number[]> =>
  new Map([...readTensorFile(weights).tensors].map(([name, { data }]) => [name, [...data]]));

describe('fine-tuning with rounding', () => {
  test('is a training at a tenth of the rate that falls to nothing', () => {
    const config = quantizeAwareTraining({ ...tinyTrain, quantize_aware: { epochs: 2 } }, 3);
    expect(config).toEqual({
      ...tinyTrain,
      epochs: 3,
      warmup_epochs: 0,
      final_learning_rate: 0,
      optimizer: { ...tinyTrain.optimizer, learning_rate: 0.1 * tinyTrain.optimizer.learning_rate },
    });
    expect(tuned.curve.at(-1)?.learning_rate).toBe(0);
  });

  test('starts from trained weights, changes them a little, and keeps the statistics of batch norm', () => {
    const [before, after] = [weightsOf(trained), weightsOf(tuned)];
    expect([...after.keys()]).toEqual([...before.keys()]);
    // The moving average of what stays is the same but for rounding.
    const means = [before, after].map((weights) => weights.get('stem_bn/moving_mean') ?? []);
    means[1].forEach((mean, i) => expect(mean).toBeCloseTo(means[0][i], 6));
    expect(after.get('stem/kernel')).not.toEqual(before.get('stem/kernel'));
    const drift = Math.max(
      ...(after.get('stem/kernel') ?? []).map((x, i) => Math.abs(x - (before.get('stem/kernel') ?? [])[i])),
    );
    expect(drift).toBeLessThan(0.1);
    expect(tuned.curve[0].train_loss).toBeLessThan(trained.curve[0].train_loss);
  });

  test('goes on after an interruption, bit for bit', async () => {
    const stop = new AbortController();
    let steps = 0;
    const job = fineTuning('stopped');
    const hooks = quiet({
      signal: stop.signal,
      pause: () => {
        if (++steps === 3) stop.abort();
      },
    });
    expect((await fit(job, hooks)).state).toBe('interrupted');
    const resumed = await complete(job);
    expect(withoutTime(resumed)).toEqual(withoutTime(tuned));
    expect(weightsOf(resumed)).toEqual(weightsOf(tuned));
  });

  test('is another training with other bits or ranges, and a plain one is none of them', async () => {
    const folder = join(bench.folder, 'other');
    const other = await complete(
      fineTuning('other', {
        quantizeAware: { weightBits: 7, method: 'percentile', percentile: 99, images: 32, seed: 3 },
      }),
    );
    expect(weightsOf(other)).not.toEqual(weightsOf(tuned));
    const others = weightsOf(other);
    const plain = await complete(fineTuning('other', { directory: folder, quantizeAware: undefined }));
    expect(weightsOf(plain)).not.toEqual(others);
    const [moved, stayed] = [plain, trained].map((fitted) => weightsOf(fitted).get('stem_bn/moving_mean') ?? []);
    expect(Math.max(...moved.map((mean, i) => Math.abs(mean - stayed[i])))).toBeGreaterThan(1e-4);
  });

  test('is refused without trained weights', async () => {
    await expect(fit(fineTuning('untrained', { initial: undefined }), quiet())).rejects.toThrow(
      /needs trained weights/,
    );
  });
});
