import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  fitSupernet,
  openDataset,
  prepareDataset,
  prepareTeacher,
  renderingOf,
  teacherSchema,
  trainSchema,
  type CompleteFit,
  type DatasetRef,
  type FitJob,
  type NetworkTeacher,
  type PreparedTeacher,
} from '../../trainers/index.js';
import { sharedFolder } from '../support/temporary.js';
import { makeTinyDataset } from '../support/tiny-dataset.js';
import { tinyStudent } from './support/networks.js';
import { configOf, supernetJob } from './supernet/jobs.js';
import { auto, quiet, complete as completeJob } from './support/tiny-training.js';
import { readTensorFile } from '../../trainers/tensor-file.js';

const folder = sharedFolder();
const cache = join(folder, 'cache');
const network = tinyStudent({ size: 10 });
const train = trainSchema.parse({ epochs: 5, batch: 16, augment: [], loss: { type: 'kd', alpha: 0.9 } });
const labelsOnly = trainSchema.parse({ ...train, loss: { type: 'cross-entropy' } });

/** Two images of each class to train with and 18 to validate; without and with further images without labels. */
let few: DatasetRef;
let more: DatasetRef;
let teacher: NetworkTeacher;

const jobOf = (name: string, changes: Partial<FitJob>): FitJob => ({
  ...{ network, seed: 3, train, dataset: more, teacher: null, engine: auto, threads: 1 },
  directory: join(folder, name),
  ...changes,
});

const complete = (name: string, changes: Partial<FitJob>): Promise<CompleteFit> => completeJob(jobOf(name, changes));

const prepared = async (dataset: DatasetRef): Promise<PreparedTeacher> =>
  (await prepareTeacher(teacher, { dataset, train, seed: 1, engine: auto, threads: 1, cache })) ?? expect.fail();

beforeAll(async () => {
  const rich = await prepareDataset(
    makeTinyDataset(join(folder, 'rich'), { seed: 7, train: 50, size: 10, noise: 40 }),
    { cache },
  );
  const { weights } = await complete('teacher', { dataset: rich, train: { ...labelsOnly, epochs: 8 } });
  teacher = { type: 'network', name: 'a network of many images', network, weights };
  const data = { ...makeTinyDataset(join(folder, 'few'), { train: 20, size: 10, noise: 40 }), validation: 0.9 };
  const pictures = join(folder, 'pictures');
  mkdirSync(pictures);
  const source = openDataset(rich);
  const images = source.split('train');
  for (let i = 0; i < 200; i++) {
    const pixels = new Uint8Array(100);
    images.read([i], pixels);
    await sharp(pixels, { raw: { width: 10, height: 10, channels: 1 } }).toFile(join(pictures, `${i}.png`));
  }
  source.close();
  few = await prepareDataset(data, { cache });
  const renderings = [{ ...renderingOf(data), size: [8, 8] as const }];
  more = await prepareDataset({ ...data, unlabelled: pictures }, { cache, renderings });
});

const bytes = ({ weights }: CompleteFit): string =>
  [...readTensorFile(weights).tensors]
    .map(([name, { data }]) => `${name} ${Buffer.from(data.buffer).toString('base64')}`)
    .join();

describe('distillation on images without labels', () => {
  test('beats labels alone by far at as many steps', async () => {
    const steps = Math.ceil((5 * 220) / 16);
    const [alone, taught] = [
      await complete('alone', { dataset: few, train: { ...labelsOnly, epochs: steps } }),
      await complete('taught', { teacher: await prepared(more) }),
    ];
    expect(taught.accuracy).toBeGreaterThan(alone.accuracy + 0.1);
  });

  test('works for a supernet', async () => {
    const config = configOf({
      epochs: 1,
      loss: train.loss,
      augment: [],
      class_sampling: 'natural',
      class_weight: undefined,
    });
    const job = (name: string, dataset: DatasetRef, own: PreparedTeacher) =>
      supernetJob({ folder, dataset }, name, { config, teacher: own });
    const steps: number[] = [];
    const hooks = quiet({ onProgress: (progress) => steps.push(progress.steps) });
    await fitSupernet(job('supernet', more, await prepared(more)), hooks);
    expect(new Set(steps)).toEqual(new Set([Math.floor(220 / 16)]));
  });

  test('changes no training that learns from labels only', async () => {
    const short = { ...labelsOnly, epochs: 1 };
    const [without, beside] = [
      await complete('without', { dataset: few, train: short }),
      await complete('beside', { dataset: more, train: short }),
    ];
    expect(bytes(beside)).toBe(bytes(without));
  });

  test('needs a teacher only once for the labelled images: further images change its logits, not its training', async () => {
    const config = teacherSchema.parse({ type: 'train', network: 'mobilenet', width: 0.25, epochs: 1, batch: 16 });
    const options = { train, seed: 1, engine: auto, threads: 1, cache };
    let epochs = 0;
    const hooks = { onEpoch: () => (epochs += 1) };
    const first = await prepareTeacher(config, { ...options, dataset: few, hooks });
    const second = await prepareTeacher(config, { ...options, dataset: more, hooks });
    expect(epochs).toBe(1);
    expect(second?.hash).toBe(first?.hash);
    expect(second?.logits?.file).not.toBe(first?.logits?.file);
  });
});
