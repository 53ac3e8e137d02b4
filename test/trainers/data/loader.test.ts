import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { builtModule } from '../../../base/processes.js';
import { augmentSchema } from '../../../trainers/data/augment/schema.js';
import { openBatches } from '../../../trainers/data/batches.js';
import { passOrder } from '../../../trainers/data/order.js';
import {
  createLoader,
  openDataset,
  prepareDataset,
  type Batch,
  type Dataset,
  type DatasetRef,
  type Loader,
  renderingOf,
  type LoaderOptions,
} from '../../../trainers/index.js';
import { makeTinyDataset } from '../../support/tiny-dataset.js';
import { answersOf } from '../support/answers.js';

const run = promisify(execFile);
const augment = augmentSchema.parse([
  'flip',
  { type: 'crop', pixels: 2 },
  { type: 'cutout', size: 4 },
  'mixup',
  'cutmix',
]);
const pixels = 144;
const softmax = (row: Float32Array): number[] => {
  const powers = [...row].map((x) => Math.exp(x - Math.max(...row)));
  return powers.map((x) => x / powers.reduce((sum, power) => sum + power, 0));
};
let ref: DatasetRef;
let dataset: Dataset;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nas-test-'));
  const config = makeTinyDataset(join(folder, 'idx'), { train: 10, test: 4, size: 12 });
  const renderings = [{ ...renderingOf(config), size: [8, 15] as const }];
  ref = await prepareDataset(config, { cache: folder, renderings });
  dataset = openDataset(ref);
  return () => {
    dataset.close();
    rmSync(folder, { recursive: true, force: true });
  };
});

const optionsOf = (changes: Partial<LoaderOptions> = {}): LoaderOptions => ({
  dataset,
  split: 'train',
  batch: 32,
  seed: 5,
  augment,
  shuffle: true,
  ...changes,
});

function open(changes: Partial<LoaderOptions> = {}): Loader {
  const loader = createLoader(optionsOf(changes));
  onTestFinished(() => loader.close());
  return loader;
}

async function collect(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

describe('createLoader', () => {
  it('returns the batches of its pure function, in order, after any requests', async () => {
    const direct = openBatches(optionsOf());
    const loader = open();
    expect(loader.stepsPerEpoch).toBe(3);
    const batches = await collect(loader.epoch(4));
    expect(batches.map(({ size }) => size)).toEqual([32, 32, 16]);
    expect(batches).toEqual([0, 1, 2].map((step) => direct.batch(4, step)));
    expect(await collect(loader.epoch(4, 1))).toEqual(batches.slice(1));
    expect(await collect(loader.epoch(4))).toEqual(batches);
    expect(await collect(loader.epoch(5))).not.toEqual(batches);
    expect(await collect(loader.epoch(4, 3))).toEqual([]);
    direct.close();
  });

  it('shows each image once in a pass, in an order of the seed and the pass', () => {
    const orders = [passOrder(80, 5, 0, true), passOrder(80, 5, 1, true), passOrder(80, 6, 0, true)];
    for (const order of orders) expect([...order].sort((a, b) => a - b)).toEqual([...Array(80).keys()]);
    expect(new Set(orders.map(String)).size).toBe(3);
    expect([...passOrder(4, 5, 7, false)]).toEqual([0, 1, 2, 3]);
  });

  it('drops an incomplete last batch with dropLast', async () => {
    const loader = open({ dropLast: true });
    expect(loader.stepsPerEpoch).toBe(2);
    expect((await collect(loader.epoch(0))).map(({ size }) => size)).toEqual([32, 32]);
  });

  it.each([0.4, 0.01])('divides the passes among epochs of a share of %f', async (share) => {
    const options = { batch: 8, share };
    const whole = open({ batch: 8 });
    const parts = open(options);
    const steps = Math.max(1, Math.round(10 * share));
    expect(parts.stepsPerEpoch).toBe(steps);
    const passes = [...(await collect(whole.epoch(0))), ...(await collect(whole.epoch(1)))];
    const epochs: Batch[] = [];
    while (epochs.length + steps <= passes.length) epochs.push(...(await collect(parts.epoch(epochs.length / steps))));
    expect(epochs).toEqual(passes.slice(0, epochs.length));
  });

  it('without augmentation gives normalised images in order with one-hot labels', async () => {
    const [batch] = await collect(open({ augment: [], shuffle: false, split: 'test', batch: 64 }).epoch(3));
    const test = dataset.split('test');
    const raw = new Uint8Array(40 * pixels);
    test.read([...Array(40).keys()], raw);
    const [mean, std] = [dataset.info.mean[0], dataset.info.std[0]];
    expect([...batch.images]).toEqual([...raw].map((value) => Math.fround((value / 255 - mean) / std)));
    const labels = [...test.labels].flatMap((label) => Array.from({ length: 10 }, (_, c) => Number(c === label)));
    expect([...batch.labels]).toEqual(labels);
    expect(batch.teacher).toBeNull();
  });

  it('renders the same view of an image in every batch size and order', async () => {
    const small = await collect(open({ shuffle: false, batch: 7 }).epoch(1));
    const [large] = await collect(open({ shuffle: false, batch: 80 }).epoch(1));
    expect(small.flatMap(({ images }) => [...images])).toEqual([...large.images]);
    const loader = open({ batch: 80 });
    const order = passOrder(80, 5, 1, true);
    const [shuffled] = await collect(loader.epoch(1));
    for (const [row, position] of order.entries()) {
      expect(shuffled.images.subarray(row * pixels, (row + 1) * pixels)).toEqual(
        large.images.subarray(position * pixels, (position + 1) * pixels),
      );
    }
    const other = await collect(open({ shuffle: false, batch: 80, seed: 10 }).epoch(1));
    expect(other[0].images).not.toEqual(large.images);
  });

  it('shows new views in each pass', async () => {
    const loader = open({ augment: augmentSchema.parse(['flip', 'crop']), shuffle: false, batch: 80 });
    const passes = await Promise.all([0, 1, 2, 3, 4, 5].map((pass) => collect(loader.epoch(pass))));
    expect(new Set(passes.map(([{ images }]) => images.join())).size).toBe(6);
  });

  it('mixes images and labels alike', async () => {
    const mixed = await collect(open({ augment: [{ type: 'mixup', alpha: 0.4 }], shuffle: false }).epoch(0));
    const plain = await collect(open({ augment: [], shuffle: false, batch: 80 }).epoch(0));
    const rows = mixed.flatMap(({ labels, size }) =>
      Array.from({ length: size }, (_, i) => labels.subarray(i * 10, (i + 1) * 10)),
    );
    const images = Float32Array.from(mixed.flatMap((batch) => [...batch.images]));
    const originals = Array.from({ length: 80 }, (_, i) => plain[0].images.subarray(i * pixels, (i + 1) * pixels));
    const labels = dataset.split('train').labels;
    let blends = 0;
    for (const [i, row] of rows.entries()) {
      expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 6);
      const weight = row[labels[i]];
      if (weight > 0.95 || weight < 0.05) continue;
      blends++;
      // An image of the partner's class explains the rest.
      const partner = row.findIndex((value, label) => value > 0 && label !== labels[i]);
      const explained = originals.some(
        (other, j) =>
          labels[j] === partner &&
          other.every(
            (value, p) => Math.abs(weight * originals[i][p] + (1 - weight) * value - images[i * pixels + p]) < 1e-4,
          ),
      );
      expect(explained).toBe(true);
    }
    expect(blends).toBeGreaterThan(10);
  });

  it('shows all views of an image side by side', async () => {
    const passes = await Promise.all([0, 1, 2, 3].map((view) => collect(open({ shuffle: false }).epoch(view))));
    const together = await collect(open({ together: 4, batch: 32 }).epoch(0));
    expect(together.map(({ size }) => size)).toEqual(new Array(10).fill(32));
    const views = passes.map((batches) => Float32Array.from(batches.flatMap(({ images }) => [...images])));
    const shown = Float32Array.from(together.flatMap(({ images }) => [...images]));
    for (const [image, view] of [
      [0, 0],
      [0, 3],
      [57, 2],
    ])
      expect(shown.subarray((4 * image + view) * pixels, (4 * image + view + 1) * pixels)).toEqual(
        views[view].subarray(image * pixels, (image + 1) * pixels),
      );
  });

  it("gives the teacher's logits of each image in every view, mixed as the images are", async () => {
    // The teacher knows the classes: 100 of the image's own, 0 of all others.
    const { labels } = dataset.split('train');
    const logits = Float32Array.from({ length: 80 * 10 }, (_, i) => (labels[Math.floor(i / 10)] === i % 10 ? 100 : 0));
    const answers = answersOf(logits, { views: 1, count: 80, outputs: 10 });
    for (const augment of [[], [{ type: 'mixup', alpha: 1 }], ['cutmix', 'mixup']]) {
      const loader = open({ answers, augment: augmentSchema.parse(augment) });
      for (const batch of [...(await collect(loader.epoch(0))), ...(await collect(loader.epoch(7)))]) {
        const teacher = batch.teacher ?? expect.fail('a batch has answers');
        for (let row = 0; row < batch.size; row++) {
          const mixed = softmax(teacher.subarray(row * 10, (row + 1) * 10));
          for (const [k, p] of mixed.entries()) expect(p).toBeCloseTo(batch.labels[row * 10 + k], 5);
        }
      }
    }
  });

  it('gives the same views and labels in each size, together or alone', async () => {
    const alone = [await collect(open().epoch(1)), await collect(open({ size: [8, 15] }).epoch(1))];
    const [batches, small] = alone;
    expect(small.map(({ labels }) => labels)).toEqual(batches.map(({ labels }) => labels));
    const both = await collect(open().epoch(1, 0, () => [{ size: [8, 15] }]));
    expect(both.map(({ images }) => images)).toEqual(batches.map(({ images }) => images));
    expect(both.map(({ others }) => others[0].images)).toEqual(small.map(({ images }) => images));
    expect(both.map(({ others }) => others[0].labels)).toEqual(small.map(({ labels }) => labels));
  });

  it('names the sizes that there are where one is missing', () => {
    expect(() => dataset.split('train', [9, 9])).toThrow(/were not rendered at 9 x 9: there are 8 x 15, 12 x 12/);
  });

  it("passes on the thread's errors with their meaning", async () => {
    const answers = answersOf(new Float32Array(80 * 10), { views: 1, count: 80, outputs: 10 });
    const longer = answersOf(new Float32Array(3 * 80 * 10), { views: 3, count: 80, outputs: 10 });
    const loader = open({ answers: longer });
    await expect(collect(loader.epoch(0))).rejects.toMatchObject({
      name: 'NasError',
      code: 'invalid-input',
      message: expect.stringContaining('(1 views of 80 images, 10 numbers each)') as string,
      hint: expect.stringContaining('computed again') as string,
    });
    await expect(collect(loader.epoch(1))).rejects.toMatchObject({ code: 'invalid-input' });
    const foreign = open({ answers: { ...answers, key: 'f'.repeat(64) } });
    await expect(collect(foreign.epoch(0))).rejects.toThrow('are of another teacher, or of other images');
    const missing = open({ answers: { ...answers, file: `${answers.file}.missing` } });
    await expect(collect(missing.epoch(0))).rejects.toThrow('cannot be opened');
  });

  it('may be left early and used again', async () => {
    const loader = open({ batch: 4 });
    for await (const batch of loader.epoch(0)) {
      expect(batch.size).toBe(4);
      break;
    }
    expect(await collect(loader.epoch(0))).toHaveLength(20);
  });

  it('rejects batches awaited at and after its end', async () => {
    const loader = createLoader(optionsOf({ batch: 1 }));
    const collecting = collect(loader.epoch(0));
    const outcome = expect(collecting).rejects.toThrow('the data loader is closed');
    await loader.close();
    await outcome;
    await expect(collect(loader.epoch(0))).rejects.toThrow('the data loader is closed');
    await loader.close();
  });

  it('renders in the thread of a closed one, by its own options', async () => {
    await collect(open().epoch(0));
    const [before, started] = [open(), new Array<unknown>()];
    await collect(before.epoch(0));
    await before.close();
    process.on('worker', (worker) => started.push(worker));
    onTestFinished(() => void process.removeAllListeners('worker'));
    for (const seed of [6, 7]) {
      const loader = createLoader(optionsOf({ seed }));
      expect(await collect(loader.epoch(1))).toEqual(
        [0, 1, 2].map((step) => openBatches(optionsOf({ seed })).batch(1, step)),
      );
      await loader.close();
    }
    expect(started).toEqual([]);
  });

  it('can be closed while it renders, and does not keep a process alive when it is not closed', async () => {
    const module = builtModule('trainers/data/index.js').href;
    const code = `
      import { createLoader, openDataset } from ${JSON.stringify(module)};
      const dataset = openDataset(${JSON.stringify(ref)});
      const open = () => createLoader({ ...${JSON.stringify({ ...optionsOf({ batch: 4 }), dataset: null })}, dataset });
      for (let i = 0; i < 5; i++) {
        const loader = open();
        for await (const batch of loader.epoch(0)) break;
        await loader.close();
      }
      for await (const batch of open().epoch(0)) { console.log(batch.size); break; }`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code], { timeout: 60_000 });
    expect(stdout.trim()).toBe('4');
  });
});
