import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { builtModule } from '../../../base/processes.js';
import sharp from 'sharp';
import { toPixels } from '../../../base/image-pixels.js';
import {
  addRenderings,
  openDataset,
  prepareDataset,
  renderingOf,
  splitNames,
  type DataConfig,
  describeDataset,
} from '../../../trainers/index.js';
import { temporaryFolder } from '../../support/temporary.js';
import { makeTinyDataset, openedDataset } from '../../support/tiny-dataset.js';

const tiny = (seed = 0): DataConfig => makeTinyDataset(temporaryFolder(), { seed, train: 10, test: 4, size: 12 });
const run = promisify(execFile);
/** What is in the cache besides its locks, whose files stay. */
const entries = (cache: string): string[] => readdirSync(join(cache, 'data')).filter((name) => !name.endsWith('.lock'));

describe('prepareDataset', () => {
  it('converts once and finds the result again', async () => {
    const [config, cache] = [tiny(), temporaryFolder()];
    const progress: string[] = [];
    const onProgress = (done: number, total: number) => progress.push(`${done}/${total}`);
    const first = await prepareDataset(config, { cache, onProgress });
    expect(progress).toEqual(['0/140', '100/140', '140/140']);
    expect(await prepareDataset(config, { cache, onProgress })).toEqual(first);
    expect(progress).toHaveLength(3);
    expect(JSON.parse(JSON.stringify(first))).toEqual(first);
    expect(entries(cache)).toHaveLength(1);
  });

  it('shares the images between configs, but not the splits', async () => {
    const [config, cache] = [tiny(), temporaryFolder()];
    const [all, half, other] = await Promise.all([
      prepareDataset(config, { cache }),
      prepareDataset({ ...config, subset: 0.5 }, { cache }),
      prepareDataset(tiny(1), { cache }),
    ]);
    expect(half.directory).toBe(all.directory);
    expect(other.directory).not.toBe(all.directory);
    expect(describeDataset(all).counts).toEqual({ train: 80, validation: 20, test: 40 });
    expect(describeDataset(half).counts).toEqual({ train: 40, validation: 20, test: 40 });
    expect(new Set([all, half, other].map((ref) => describeDataset(ref).hash)).size).toBe(3);
  });

  it('renders the images in further sizes, once, with the splits and statistics of its own', async () => {
    const [config, cache] = [tiny(), temporaryFolder()];
    const own = await prepareDataset(config, { cache });
    const sizes = [
      [9, 7],
      [12, 12],
    ] as const;
    const renderings = sizes.map((size) => ({ ...renderingOf(config), size }));
    const ref = await addRenderings(own, config, renderings, { cache });
    // Its own size needs nothing.
    expect(ref.renderings?.map(({ size }) => size)).toEqual([[9, 7]]);
    const progress: number[] = [];
    expect(await prepareDataset(config, { cache, renderings, onProgress: (done) => progress.push(done) })).toEqual(ref);
    expect(progress).toEqual([]);
    expect(entries(cache)).toHaveLength(2);
    expect(describeDataset(ref)).toEqual(describeDataset(own));
    const [before, after] = [openedDataset(own), openedDataset(ref)];
    const pixels = new Uint8Array(12 * 12);
    before.split('validation').read([3], pixels);
    const small = new Uint8Array(9 * 7);
    after.split('validation', [9, 7]).read([3], small);
    const png = await sharp(pixels, { raw: { width: 12, height: 12, channels: 1 } })
      .png()
      .toBuffer();
    expect(small).toEqual(new Uint8Array(await toPixels(sharp(png), renderings[0]).toBuffer()));
    expect(after.hashAt([[12, 12]])).toBe(before.info.hash);
    expect(after.hashAt([[9, 7]])).not.toBe(before.info.hash);
  });

  it('refuses a rendering with other images', async () => {
    const [one, other] = [makeTinyDataset(temporaryFolder()), makeTinyDataset(temporaryFolder(), { train: 41 })];
    const cache = temporaryFolder();
    const [own, { directory }] = [await prepareDataset(one, { cache }), await prepareDataset(other, { cache })];
    const mixed = { ...own, renderings: [{ size: [14, 14] as const, directory }] };
    expect(() => openDataset(mixed)).toThrow(/has 510 images, the data set 500/);
  });

  it('is safe when several processes convert at once', async () => {
    const [config, cache] = [tiny(), temporaryFolder()];
    const module = builtModule('trainers/data/index.js').href;
    const code = `import { prepareDataset, openDataset } from ${JSON.stringify(module)};
      const ref = await prepareDataset(${JSON.stringify(config)}, { cache: ${JSON.stringify(cache)} });
      console.log(openDataset(ref).info.hash);`;
    const outputs = await Promise.all(
      [1, 2, 3].map(() => run(process.execPath, ['--input-type=module', '--eval', code])),
    );
    const hash = describeDataset(await prepareDataset(config, { cache })).hash;
    expect(outputs.map(({ stdout }) => stdout.trim())).toEqual([hash, hash, hash]);
    expect(entries(cache)).toHaveLength(1);
  });

  it.each<[string, (directory: string) => void]>([
    ['truncated images', (d) => truncateSync(join(d, 'images.u8'), statSync(join(d, 'images.u8')).size - 1)],
    ['a changed pixel', (d) => overwrite(join(d, 'images.u8'), 0)],
    ['a changed label', (d) => overwrite(join(d, 'labels.u16'), 6)],
    ['missing labels', (d) => rmSync(join(d, 'labels.u16'))],
    ['truncated keys', (d) => truncateSync(join(d, 'keys.f64'), 8)],
    ['no meta.json', (d) => rmSync(join(d, 'meta.json'))],
    ['half a meta.json', (d) => truncateSync(join(d, 'meta.json'), 40)],
    ['another format', (d) => replaceIn(join(d, 'meta.json'), '"format":2', '"format":0')],
  ])('converts again when the cache has %s', async (_, damage) => {
    const [config, cache] = [tiny(), temporaryFolder()];
    const ref = await prepareDataset(config, { cache });
    const { hash } = describeDataset(ref);
    damage(ref.directory);
    expect(() => openDataset(ref)).toThrow('missing or damaged');
    expect(await prepareDataset(config, { cache })).toEqual(ref);
    expect(describeDataset(ref).hash).toBe(hash);
    expect(entries(cache)).toHaveLength(1);
  });

  it('removes what a killed conversion left', async () => {
    const [config, cache] = [tiny(), temporaryFolder()];
    const { directory } = await prepareDataset(config, { cache });
    rmSync(directory, { recursive: true });
    mkdirSync(`${directory}.tmp`);
    writeFileSync(join(`${directory}.tmp`, 'images.u8'), 'x');
    await prepareDataset(config, { cache });
    expect(entries(cache)).toEqual([basename(directory)]);
  });

  it('stops when asked to and leaves nothing behind', async () => {
    const cache = temporaryFolder();
    const stop = new AbortController();
    const preparing = prepareDataset(tiny(), { cache, signal: stop.signal, onProgress: () => stop.abort() });
    await expect(preparing).rejects.toMatchObject({ code: 'interrupted' });
    expect(entries(cache)).toEqual([]);
  });

  it('says what to do when the cache folder cannot be written', async () => {
    const cache = join(temporaryFolder(), 'file');
    writeFileSync(cache, '');
    await expect(prepareDataset(tiny(), { cache })).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining(cache) as string,
      hint: expect.stringContaining('NAS_CACHE') as string,
    });
  });
});

describe('openDataset', () => {
  it('reads the images of a split in any order', async () => {
    const config = tiny();
    const dataset = openedDataset(await prepareDataset(config, { cache: temporaryFolder() }));
    const size = 12 * 12;
    for (const name of splitNames) {
      const split = dataset.split(name);
      const all = new Uint8Array(split.count * size);
      split.read(
        Uint32Array.from({ length: split.count }, (_, i) => i),
        all,
      );
      const some = [split.count - 1, 0, 1, 2, 7, 7, 6];
      const into = new Uint8Array(some.length * size);
      split.read(some, into);
      for (const [row, i] of some.entries()) {
        expect(into.subarray(row * size, (row + 1) * size)).toEqual(all.subarray(i * size, (i + 1) * size));
      }
      expect(() => split.read([split.count], into)).toThrow(RangeError);
      expect(() => split.read([-1], into)).toThrow(RangeError);
    }
  });

  it('gives the official test images in their order and the statistics of the train split', async () => {
    const config = tiny();
    const dataset = openedDataset(await prepareDataset(config, { cache: temporaryFolder() }));
    const path = 'path' in config ? (config.path ?? '') : '';
    const stored = readFileSync(join(path, 't10k-images-idx3-ubyte')).subarray(16);
    const test = new Uint8Array(stored.length);
    dataset.split('test').read([...Array(40).keys()], test);
    expect(Buffer.from(test).equals(stored)).toBe(true);

    const train = new Uint8Array(80 * 144);
    dataset.split('train').read([...Array(80).keys()], train);
    const mean = train.reduce((sum, value) => sum + value, 0) / train.length / 255;
    const variance = train.reduce((sum, value) => sum + (value / 255 - mean) ** 2, 0) / train.length;
    expect(dataset.info.mean[0]).toBeCloseTo(mean, 10);
    expect(dataset.info.std[0]).toBeCloseTo(Math.sqrt(variance), 10);
  });
});

function overwrite(file: string, position: number): void {
  const bytes = readFileSync(file);
  bytes[position] ^= 1;
  writeFileSync(file, bytes);
}

function replaceIn(file: string, from: string, to: string): void {
  writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));
}
