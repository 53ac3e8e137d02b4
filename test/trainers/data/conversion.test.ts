import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Rendering } from '../../../base/preprocess.js';
import { readReport } from '../../../trainers/data/prepare.js';
import {
  addRenderings,
  describeDataset,
  prepareDataset,
  renderingOf,
  type DataConfig,
  type ImageFilesConfig,
  dataSchema,
} from '../../../trainers/index.js';
import { temporaryFolder } from '../../support/temporary.js';
import { floatTiff } from './float-tiff.js';
import { softPicture } from './colours.js';

const side = 16;

async function writeImages(count: number): Promise<string> {
  const folder = join(temporaryFolder(), 'images');
  for (const [label, name] of ['a', 'b'].entries()) {
    mkdirSync(join(folder, name), { recursive: true });
    for (let i = 0; i < count; i++)
      await softPicture(2 * i + label)
        .jpeg()
        .toFile(join(folder, name, `${i}.jpg`));
  }
  return folder;
}

const config = (path: string, keys: object = {}): ImageFilesConfig =>
  dataSchema.parse({ type: 'image-folder', path, size: side, test: 0.2, validation: 0.2, ...keys }) as ImageFilesConfig;

/** Writes an image with each kind of damage; returns the words of the report for each. */
async function writeDamaged(folder: string): Promise<Record<string, string>> {
  const jpeg = await softPicture(900, 64, 64).jpeg({ quality: 95 }).toBuffer();
  const png = await softPicture(901, 64, 64).png().toBuffer();
  const webp = await softPicture(902, 64, 64).webp().toBuffer();
  const flipped = Buffer.from(png);
  for (let i = 0; i < 40; i++) flipped[(png.length >> 1) + i] ^= 0x5a;
  const contents: Record<string, readonly [Buffer | string, string]> = {
    'empty.jpg': ['', 'empty'],
    'half.jpg': [jpeg.subarray(0, jpeg.length >> 1), 'truncated'],
    'half.png': [png.subarray(0, png.length >> 1), 'truncated'],
    'half.webp': [webp.subarray(0, webp.length >> 1), 'truncated'],
    'header.jpg': [jpeg.subarray(0, 100), 'truncated'],
    'flipped.png': [flipped, 'corrupt'],
    'page.jpg': ['<!DOCTYPE html><html><body>404 Not Found</body></html>', 'text'],
    'pointer.png': ['version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n', 'pointer'],
    'zeros.jpg': [Buffer.alloc(4000), 'zeros'],
    'float.tif': [floatTiff(20, 0.5), 'samples'],
    'bitmap.jpg': [Buffer.concat([Buffer.from('BM'), Buffer.alloc(500, 3)]), 'format'],
    'noise.jpg': [Buffer.from(Uint8Array.from({ length: 3000 }, (_, i) => (i * i * 31 + 7) % 256)), 'corrupt'],
  };
  for (const [name, [content]] of Object.entries(contents)) writeFileSync(join(folder, name), content);
  return Object.fromEntries(Object.entries(contents).map(([name, [, cause]]) => [name, cause]));
}

/** Prepares a data set; returns how many images were done at the first and the last report of progress. */
async function prepare(data: DataConfig, cache: string, signal?: AbortSignal) {
  const progress: number[] = [];
  const notes: string[] = [];
  const ref = await prepareDataset(data, {
    cache,
    onProgress: (done) => progress.push(done),
    onNote: (note) => notes.push(note),
    ...(signal !== undefined && { signal }),
  });
  return { ref, progress, notes, hash: describeDataset(ref).hash };
}

describe('damaged images', () => {
  it('are all listed at once, and those that were replaced are decoded alone', async () => {
    const [folder, cache] = [await writeImages(10), temporaryFolder()];
    const clean = await prepare(config(folder), temporaryFolder());
    const causes = await writeDamaged(join(folder, 'a'));
    const count = Object.keys(causes).length;
    const refused = prepare(config(folder), cache);
    await expect(refused).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining(`${count} of ${20 + count} images cannot be used (1 empty, `) as string,
      hint: expect.stringContaining('data.damaged: skip') as string,
    });
    const [work] = readdirSync(join(cache, 'data')).filter((name) => name.endsWith('.work'));
    const listed = JSON.parse(readFileSync(join(cache, 'data', work, 'damaged.json'), 'utf8')) as {
      path: string;
      cause: string;
    }[];
    expect(Object.fromEntries(listed.map(({ path, cause }) => [path.slice(2), cause]))).toEqual(causes);

    for (const name of Object.keys(causes)) rmSync(join(folder, 'a', name));
    await softPicture(903)
      .png()
      .toFile(join(folder, 'a', 'half.png'));
    const { progress } = await prepare(config(folder), cache);
    expect(progress).toEqual([20, 21]);
    rmSync(join(folder, 'a', 'half.png'));
    expect((await prepare(config(folder), cache)).hash).toBe(clean.hash);
  });

  it('are left out when the experiment says so, with a report', async () => {
    const [folder, cache] = [await writeImages(10), temporaryFolder()];
    const clean = await prepare(config(folder), cache);
    const causes = await writeDamaged(join(folder, 'b'));
    writeFileSync(join(folder, 'b', 'x.bmp'), 'BM');
    const skipped = await prepare(config(folder, { damaged: 'skip' }), cache);
    expect(skipped.hash).toBe(clean.hash);
    const report = readReport(skipped.ref.directory);
    expect(report).toMatchObject({
      images: 20,
      classes: [
        { name: 'a', counts: { unassigned: 10 } },
        { name: 'b', counts: { unassigned: 10 } },
      ],
      headers: { images: 20, formats: { jpeg: 20 }, colours: { srgb: 20 }, sides: { min: 48, median: 48, max: 48 } },
      skipped: [{ path: 'b/x.bmp', cause: 'format' }],
    });
    expect(report?.damaged).toHaveLength(Object.keys(causes).length);
    expect(skipped.notes.join('\n')).toContain('Left out: 1 image in a format that cannot be read (.bmp).');
    // The same images are not decoded again to be refused.
    await expect(prepare(config(folder), cache)).rejects.toThrow('images cannot be used');

    for (const name of Object.keys(causes)) rmSync(join(folder, 'b', name));
    writeFileSync(join(folder, 'b', 'new.png'), await softPicture(904).png().toBuffer());
    const repaired = await prepare(config(folder), cache);
    expect(repaired.progress).toEqual([20, 21]);
    expect(repaired.hash).toBe((await prepare(config(folder), temporaryFolder())).hash);
    expect(readReport(repaired.ref.directory)).toMatchObject({ headers: { images: 21 } });
    expect(readdirSync(join(cache, 'data')).filter((name) => name.endsWith('.work'))).toEqual([]);
  });

  it('and skipped ones that appear beside a converted data set are in its report', async () => {
    const [folder, cache] = [await writeImages(4), temporaryFolder()];
    const table = join(folder, 'list.csv');
    const rows = ['a', 'b'].flatMap((name) => [0, 1, 2, 3].map((i) => `${name}/${i}.jpg,${name}`));
    const list = config(table, { type: 'list' });
    writeFileSync(table, ['file,label', ...rows, ''].join('\n'));
    await prepare(config(folder), cache);
    await prepare(list, cache);
    writeFileSync(join(folder, 'b', 'x.bmp'), 'BM');
    writeFileSync(table, ['file,label', ...rows, 'a/none.jpg,a', ''].join('\n'));
    const { notes, progress } = await prepare(config(folder), cache);
    expect({ notes: notes[0], progress }).toEqual({
      notes: 'Left out: 1 image in a format that cannot be read (.bmp), 1 other file (.csv).',
      progress: [],
    });
    await expect(prepare(list, cache)).rejects.toThrow('1 of 9 images cannot be used (1 missing)');
  });

  it('are decoded again without a damaged cache of the other images', async () => {
    const [folder, cache] = [await writeImages(4), temporaryFolder()];
    const { ref } = await prepare(config(folder), cache);
    writeFileSync(join(ref.directory, 'labels.u16'), '');
    rmSync(join(folder, 'a', '0.jpg'));
    const { progress, hash } = await prepare(config(folder), cache);
    expect(progress[0]).toBe(0);
    expect(hash).toBe((await prepare(config(folder), temporaryFolder())).hash);
  });
});

describe('a conversion that was stopped', () => {
  it('goes on where it stopped, with the same result', async () => {
    const [folder, cache] = [await writeImages(50), temporaryFolder()];
    const whole = await prepare(config(folder), temporaryFolder());
    const stop = new AbortController();
    const stopped = prepareDataset(config(folder), {
      cache,
      signal: stop.signal,
      onProgress: (done) => {
        if (done >= 64) stop.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'interrupted' });
    const { progress, hash } = await prepare(config(folder), cache);
    expect(progress[0]).toBeGreaterThanOrEqual(64);
    expect(hash).toBe(whole.hash);
    expect(readdirSync(join(cache, 'data')).filter((name) => name.endsWith('.work'))).toEqual([]);
  });

  it('drops what a killed process wrote last', async () => {
    const [folder, cache] = [await writeImages(20), temporaryFolder()];
    writeFileSync(join(folder, 'a', 'bad.jpg'), '');
    await expect(prepare(config(folder), cache)).rejects.toThrow('1 of 41 images');
    const [name] = readdirSync(join(cache, 'data')).filter((entry) => entry.endsWith('.work'));
    const work = join(cache, 'data', name);
    const lines = readFileSync(join(work, 'journal.jsonl'), 'utf8').split('\n');
    // Half a line, and the pixels of images whose lines were not written.
    writeFileSync(join(work, 'journal.jsonl'), `${lines.slice(0, 30).join('\n')}\n${lines[30].slice(0, 9)}`);
    appendFileSync(join(work, 'images.u8'), Buffer.alloc(1000, 7));
    rmSync(join(folder, 'a', 'bad.jpg'));
    const { progress, hash } = await prepare(config(folder), cache);
    expect(progress[0]).toBeGreaterThanOrEqual(29);
    expect(progress[0]).toBeLessThanOrEqual(30);
    expect(hash).toBe((await prepare(config(folder), temporaryFolder())).hash);
  });

  it('takes files of a folder that was moved as they are', async () => {
    const [folder, cache] = [await writeImages(5), temporaryFolder()];
    const { hash } = await prepare(config(folder), cache);
    renameSync(folder, `${folder}2`);
    renameSync(`${folder}2`, folder);
    const again = await prepare(config(folder), cache);
    expect(again.progress).toEqual([]);
    expect(again.hash).toBe(hash);
  });
});

describe('duplicates', () => {
  it('are reported with their splits and classes', async () => {
    const folder = join(temporaryFolder(), 'images');
    for (const split of ['train', 'test'])
      for (const [label, name] of ['a', 'b'].entries()) {
        mkdirSync(join(folder, split, name), { recursive: true });
        for (let i = 0; i < 5; i++)
          await softPicture(100 * label + 10 * i + (split === 'test' ? 1 : 0))
            .png()
            .toFile(join(folder, split, name, `${i}.png`));
      }
    // A copy, a smaller JPEG of the same picture in the test, and a copy in the other class.
    await softPicture(0)
      .png()
      .toFile(join(folder, 'train', 'a', 'copy.png'));
    await softPicture(10)
      .resize(40, 40)
      .jpeg({ quality: 70 })
      .toFile(join(folder, 'test', 'a', 'small.jpg'));
    await softPicture(20)
      .png()
      .toFile(join(folder, 'test', 'b', 'other.png'));
    // The same shapes in other colours are another picture.
    await softPicture(30)
      .recomb([
        [0, 1, 0],
        [0, 0, 1],
        [1, 0, 0],
      ])
      .png()
      .toFile(join(folder, 'test', 'a', 'colours.png'));
    const { ref, notes } = await prepare(config(folder), temporaryFolder());
    const files = (pairs: readonly { files: readonly string[] }[] = []) => pairs.map(({ files: both }) => both);
    const duplicates = readReport(ref.directory)?.duplicates;
    expect(files(duplicates?.exact)).toEqual([
      ['train/a/0.png', 'train/a/copy.png'],
      ['train/a/2.png', 'test/b/other.png'],
    ]);
    expect(files(duplicates?.near)).toEqual([['train/a/1.png', 'test/a/small.jpg']]);
    expect(files(duplicates?.conflicts)).toEqual([['train/a/2.png', 'test/b/other.png']]);
    expect(notes.join('\n')).toContain('2 pairs of copies lie in different splits');
  });
});

it('converts a folder and a link to it at the same time into one entry', async () => {
  const first = await writeImages(10);
  const second = join(temporaryFolder(), 'images');
  symlinkSync(first, second);
  const cache = temporaryFolder();
  const refs = await Promise.all([first, second].map((path) => prepareDataset(config(path), { cache })));
  expect(refs[1]).toEqual(refs[0]);
  expect(describeDataset(refs[0]).counts.train).toBeGreaterThan(0);
  const entries = readdirSync(join(cache, 'data')).filter((name) => !/\.(lock|last)$/.test(name));
  expect(entries).toEqual([basename(refs[0].directory)]);
});

it('refuses a folder whose images change between two renderings of them', async () => {
  const [folder, cache] = [await writeImages(10), temporaryFolder()];
  const ref = await prepareDataset(config(folder), { cache });
  await softPicture(99)
    .jpeg()
    .toFile(join(folder, 'a', '3.jpg'));
  const smaller: Rendering = { ...renderingOf(config(folder)), size: [8, 8] };
  await expect(addRenderings(ref, config(folder), [smaller], { cache })).rejects.toThrow(
    'images of images changed while they were converted',
  );
  const again = await prepareDataset(config(folder), { cache, renderings: [smaller] });
  expect(again.renderings).toHaveLength(1);
});
