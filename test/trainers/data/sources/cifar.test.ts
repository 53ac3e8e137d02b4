import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../../base/random.js';
import { cifar10, cifar100, openCifar, type CifarFormat } from '../../../../trainers/data/sources/cifar.js';
import { prepareDataset } from '../../../../trainers/index.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { openedDataset } from '../../../support/tiny-dataset.js';

/** Writes files in the official layout with `count` images each; labels go round the classes. */
function writeCifar(folder: string, format: CifarFormat, count: number): void {
  mkdirSync(folder, { recursive: true });
  const random = new Random(1, format.name);
  for (const { name } of format.files) {
    const records = Array.from({ length: count }, (_, i) => {
      const record = Buffer.from(Uint8Array.from({ length: format.labelBytes + 3072 }, () => random.int(256)));
      record[format.labelBytes - 1] = i % format.classes.length;
      return record;
    });
    writeFileSync(join(folder, name), Buffer.concat(records));
  }
}

describe.each([
  [cifar10, 20],
  [cifar100, 200],
])('$name', (format, count) => {
  it('turns planes into channels and keeps the official split', async () => {
    const folder = temporaryFolder();
    writeCifar(folder, format, count);
    const source = await openCifar(folder, format);
    const trainFiles = format.files.length - 1;
    expect(source).toMatchObject({ height: 32, width: 32, channels: 3, count: count * (trainFiles + 1) });
    const blocks = [];
    for await (const block of source.read()) blocks.push(block);
    expect(blocks.map(({ split }) => split)).toEqual([...new Array<string>(trainFiles).fill('train'), 'test']);
    const bytes = readFileSync(join(folder, format.files[0].name));
    const image = 7;
    for (const [y, x, c] of [
      [0, 0, 0],
      [0, 1, 2],
      [13, 30, 1],
      [31, 31, 2],
    ]) {
      const stored = bytes[image * (format.labelBytes + 3072) + format.labelBytes + c * 1024 + y * 32 + x];
      expect(blocks[0].pixels[image * 3072 + (y * 32 + x) * 3 + c]).toBe(stored);
    }
    expect(blocks[0].labels[image]).toBe(image);
  });

  it("takes the class names from the archive's file when it is there", async () => {
    const folder = temporaryFolder();
    writeCifar(join(folder, format.folder), format, count);
    expect((await openCifar(folder, format)).classes).toEqual(format.classes);
    const names = format.classes.map((name) => `my ${name}`);
    writeFileSync(join(folder, format.folder, format.namesFile), `${names.join('\n')}\n\n`);
    expect((await openCifar(folder, format)).classes).toEqual(names);
    writeFileSync(join(folder, format.folder, format.namesFile), 'one\ntwo\n');
    await expect(openCifar(folder, format)).rejects.toThrow('names 2 classes instead of');
  });
});

describe('CIFAR files', () => {
  const config = (path: string) => ({ type: 'cifar10' as const, path, validation: 0.1, subset: 1 });

  it('become a data set', async () => {
    const folder = temporaryFolder();
    writeCifar(folder, cifar10, 20);
    const dataset = openedDataset(await prepareDataset(config(folder), { cache: temporaryFolder() }));
    expect(dataset.info.counts).toEqual({ train: 90, validation: 10, test: 20 });
    expect(dataset.info.mean).toHaveLength(3);
  });

  it.each<[string, (folder: string) => void, string]>([
    ['a missing file', (f) => rmSync(join(f, 'data_batch_3.bin')), 'data_batch_3.bin is missing'],
    ['a truncated file', (f) => truncateSync(join(f, 'test_batch.bin'), 5000), 'test_batch.bin has 5000 bytes'],
    ['an empty file', (f) => truncateSync(join(f, 'test_batch.bin'), 0), 'test_batch.bin has 0 bytes'],
    ['a wrong label', (f) => writeFileSync(join(f, 'data_batch_2.bin'), Buffer.alloc(3073, 77)), 'label 77 of image 0'],
    ['a missing folder', (f) => rmSync(f, { recursive: true }), 'does not exist'],
  ])('with %s are refused', async (_, damage, message) => {
    const folder = join(temporaryFolder(), 'cifar');
    writeCifar(folder, cifar10, 10);
    damage(folder);
    const preparing = prepareDataset(config(folder), { cache: temporaryFolder() });
    await expect(preparing).rejects.toThrow(message);
    await expect(preparing).rejects.toMatchObject({ code: 'invalid-input' });
  });

  it('list all classes', () => {
    expect(new Set(cifar10.classes).size).toBe(10);
    expect(new Set(cifar100.classes).size).toBe(100);
  });
});
