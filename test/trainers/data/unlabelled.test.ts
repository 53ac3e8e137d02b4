import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  type Dataset,
  inspectDataset,
  labelledImages,
  type LoaderOptions,
  openBatches,
  prepareDataset,
  renderingOf,
} from '../../../trainers/index.js';
import { dataSchema, type DataConfig } from '../../../trainers/data/schema.js';
import { readUnlabelled } from '../../../trainers/data/reading/unlabelled.js';
import { sharedFolder, temporaryFolder } from '../../support/temporary.js';
import { softPicture } from './colours.js';
import { openedDataset } from '../../support/tiny-dataset.js';
import { answersOf } from '../support/answers.js';

const write = async (image: Sharp, file: string): Promise<void> => {
  mkdirSync(dirname(file), { recursive: true });
  await image.toFile(file);
};

const folder = sharedFolder();
const labelled = join(folder, 'labelled');
const cache = join(folder, 'cache');
const perClass = 10;
const config = (unlabelled?: string, others: object = {}): DataConfig =>
  dataSchema.parse({
    type: 'image-folder',
    path: labelled,
    size: 16,
    validation: 0.3,
    test: 0.2,
    ...others,
    unlabelled,
  });

beforeAll(async () => {
  for (const [label, name] of ['a', 'b'].entries())
    for (let i = 0; i < perClass; i++) await write(softPicture(2 * i + label).png(), join(labelled, name, `${i}.png`));
});

/** A folder of three new images and of copies of all labelled ones: half of them as they are, half as JPEG. */
async function withCopies(): Promise<string> {
  const path = join(temporaryFolder(), 'more');
  for (let i = 0; i < 3; i++) await write(softPicture(1000 + i).png(), join(path, 'new', 'deep', `${i}.png`));
  mkdirSync(join(path, 'copies'));
  for (const name of ['a', 'b'])
    for (let i = 0; i < perClass; i++) {
      const file = join(labelled, name, `${i}.png`);
      if (i % 2 === 0) copyFileSync(file, join(path, 'copies', `${name}${i}.png`));
      else
        await sharp(file)
          .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
          .toFile(join(path, 'copies', `${name}${i}.jpg`));
    }
  return path;
}

async function newImages(count: number): Promise<string> {
  const path = join(temporaryFolder(), 'new');
  for (let i = 0; i < count; i++) await write(softPicture(2000 + i).png(), join(path, `${i}.png`));
  return path;
}

describe('images without labels', () => {
  it('are those of all sub-folders, without copies of the images of any split', async () => {
    const notes: string[] = [];
    const ref = await prepareDataset(config(await withCopies()), { cache, onNote: (note) => notes.push(note) });
    const { unlabelled, info } = openedDataset(ref);
    expect(info.unlabelled).toBe(3);
    expect(unlabelled?.copies).toEqual({ train: 12, validation: 4, test: 4 });
    expect(notes.join('\n')).toMatch(/3 images without labels/);
    expect(notes.join('\n')).toMatch(/8 unlabelled images are copies of validation or test images: left out/);
  });

  it('may be copies of labelled images that no split uses', async () => {
    const ref = await prepareDataset(config(await withCopies(), { subset: 0.5 }), { cache });
    const { unlabelled, info } = openedDataset(ref);
    expect(info.counts.train).toBe(6);
    expect(unlabelled?.copies).toEqual({ train: 6, validation: 4, test: 4 });
    expect(info.unlabelled).toBe(3 + 6);
  });

  it('change neither the labelled images nor their hash', async () => {
    const [without, withThem, others] = await Promise.all(
      [undefined, await newImages(3), await newImages(4)].map(async (path) =>
        openedDataset(await prepareDataset(config(path), { cache })),
      ),
    );
    expect(withThem.info).toEqual({ ...without.info, unlabelled: 3 });
    const own = [[16, 16]] as const;
    expect(withThem.hashAt(own)).toBe(without.hashAt(own));
    expect(without.hashAt(own, true)).toBe(without.info.hash);
    expect(new Set([without, withThem, others].map((one) => one.hashAt(own, true))).size).toBe(3);
  });

  it('come in every size that networks take', async () => {
    const data = config(await newImages(3));
    const renderings = [{ ...renderingOf(data), size: [9, 9] as const }];
    const dataset = openedDataset(await prepareDataset(data, { cache, renderings }));
    const batch = (size: readonly [number, number]) => openBatches({ ...optionsOf(dataset), size }).batch(0, 0);
    expect(batch([9, 9]).images).toHaveLength(dataset.info.counts.train * 81 * 3 + 3 * 81 * 3);
    expect(dataset.hashAt([[9, 9]], true)).not.toBe(dataset.hashAt([[16, 16]], true));
  });

  it('are refused when all of them are copies', async () => {
    const path = join(temporaryFolder(), 'same');
    mkdirSync(path);
    copyFileSync(join(labelled, 'a', '0.png'), join(path, '0.png'));
    await expect(prepareDataset(config(path), { cache })).rejects.toThrow(
      /no unlabelled image is left: 1 image is a copy/,
    );
  });

  it('are checked for damage as labelled images are', async () => {
    const path = await newImages(3);
    writeFileSync(join(path, 'broken.png'), 'no image');
    await expect(prepareDataset(config(path), { cache })).rejects.toThrow(/1 of 4 images cannot be used/);
    const notes: string[] = [];
    const options = { cache, onNote: (note: string) => notes.push(note) };
    const ref = await prepareDataset(config(path, { damaged: 'skip' }), options);
    expect(openedDataset(ref).info.unlabelled).toBe(3);
    expect(notes.join('\n')).toMatch(/Images without labels: Left out: 1 of 4 images cannot be used/);
  });

  it('are counted by an inspection, which leaves damaged files out', async () => {
    const path = await newImages(2);
    writeFileSync(join(path, 'broken.png'), 'no image');
    const inspected = await inspectDataset(config(path), { cache });
    onTestFinished(() => inspected.close());
    expect(inspected.unlabelled?.indices).toHaveLength(2);
  });

  it('are not needed by what does not train', async () => {
    const data = config(join(folder, 'removed since'));
    await expect(prepareDataset(data, { cache })).rejects.toThrow(/removed since does not exist/);
    expect(openedDataset(await prepareDataset(labelledImages(data), { cache })).unlabelled).toBeNull();
  });

  it('may lie beside pixels that are no files', async () => {
    const { makeTinyDataset } = await import('../../support/tiny-dataset.js');
    const data = makeTinyDataset(join(temporaryFolder(), 'idx'), { train: 5, test: 2 });
    const ref = await prepareDataset({ ...data, unlabelled: await newImages(3) }, { cache: temporaryFolder() });
    expect(openedDataset(ref).info).toMatchObject({ unlabelled: 3, channels: 1, height: 28 });
  });
});

describe('readUnlabelled', () => {
  it('reads archives, and tables by their column of images', async () => {
    const path = await newImages(3);
    const archive = join(dirname(path), 'new.tar.gz');
    execFileSync('tar', ['czf', archive, '-C', path, '.']);
    expect((await readUnlabelled(archive)).listing.items).toHaveLength(3);
    const table = join(dirname(path), 'list.csv');
    writeFileSync(table, 'file_name,label\nnew/0.png,cat\nnew/1.png,\nnew/0.png,dog\nnew/9.png,\n');
    const { listing } = await readUnlabelled(table);
    expect(listing.notes).toEqual([`${table}: 4 rows, separated by commas; image: file_name.`]);
    expect(listing.items.map(({ file }) => basename(file.path))).toEqual(['0.png', '1.png']);
    expect(listing.skipped).toEqual([{ path: 'new/0.png', cause: 'repeated' }]);
    expect(listing.damaged).toMatchObject([{ path: 'new/9.png', cause: 'missing' }]);
  });

  it('refuses a folder without images, and a path that is missing', async () => {
    const path = temporaryFolder();
    writeFileSync(join(path, 'a.heic'), '');
    await expect(readUnlabelled(path)).rejects.toThrow(/has no images that can be read \(1 \.heic\)/);
    await expect(readUnlabelled(join(path, 'none'))).rejects.toMatchObject({
      hint: expect.stringContaining('data.unlabelled names') as string,
    });
  });
});

const optionsOf = (dataset: Dataset, changes: Partial<LoaderOptions> = {}): LoaderOptions => ({
  dataset,
  split: 'train',
  unlabelled: true,
  batch: 64,
  seed: 5,
  shuffle: true,
  ...changes,
});

describe('batches with images without labels', () => {
  it.each(['natural', 'balanced'] as const)('show each of them once in a pass (%s)', async (classSampling) => {
    const dataset = openedDataset(await prepareDataset(config(await newImages(5)), { cache }));
    const { train } = dataset.info.counts;
    const source = openBatches(optionsOf(dataset, { batch: 4, classSampling }));
    expect(source.stepsPerEpoch).toBe(Math.ceil((train + 5) / 4));
    const rows = Array.from({ length: source.stepsPerEpoch }, (_, step) => source.batch(1, step)).flatMap((batch) =>
      Array.from({ length: batch.size }, (__, row) => batch.labels.subarray(2 * row, 2 * row + 2).join()),
    );
    expect(rows.filter((row) => row === '0,0')).toHaveLength(5);
    expect(rows.filter((row) => row !== '0,0')).toHaveLength(train);
    // They are mixed with the others.
    expect(rows.slice(train).every((row) => row === '0,0')).toBe(false);
  });

  it('are a pure function of epoch and step, also with mixed images', async () => {
    const dataset = openedDataset(await prepareDataset(config(await newImages(5)), { cache }));
    const options = optionsOf(dataset, {
      batch: 6,
      augment: [{ type: 'mixup', alpha: 1 }] as LoaderOptions['augment'],
    });
    const [first, second] = [openBatches(options), openBatches(options)];
    first.batch(0, 0);
    expect(first.batch(2, 1)).toEqual(second.batch(2, 1));
    // An image without a label takes a part of the label of its partner.
    const { labels, size } = first.batch(2, 1);
    const sums = Array.from({ length: size }, (_, row) => labels[2 * row] + labels[2 * row + 1]);
    expect(sums.every((sum) => sum >= 0 && sum <= 1.00001)).toBe(true);
    expect(sums.some((sum) => sum < 0.99)).toBe(true);
  });

  it("find the teacher's logits after those of the training images", async () => {
    const dataset = openedDataset(await prepareDataset(config(await newImages(5)), { cache }));
    const count = dataset.info.counts.train + 5;
    const logits = Float32Array.from({ length: 2 * count }, (_, i) => Math.floor(i / 2));
    const answers = answersOf(logits, { views: 1, count, outputs: 2 });
    const source = openBatches(optionsOf(dataset, { shuffle: false, answers }));
    const { teacher, labels } = source.batch(0, 0);
    source.close();
    expect(teacher?.[2 * (count - 1)]).toBe(count - 1);
    expect(labels.subarray(2 * (count - 5))).toEqual(new Float32Array(10));
  });
});
