import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, truncateSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { create } from 'tar';
import { describe, expect, it } from 'vitest';
import { readReport } from '../../../../trainers/data/prepare.js';
import { openTree } from '../../../../trainers/data/reading/tree.js';
import { dataSchema, describeDataset, prepareDataset, type DataConfig } from '../../../../trainers/index.js';
import { zipOf } from '../../../support/zip.js';
import { written } from '../boxes/files.js';
import { temporaryFolder } from '../../../support/temporary.js';

const config = (path: string, keys: object = {}): DataConfig =>
  dataSchema.parse({ type: 'image-folder', path, size: 8, test: 0.2, validation: 0.2, ...keys });

const colour = (i: number): Promise<Buffer> =>
  sharp({ create: { width: 9, height: 9, channels: 3, background: { r: i * 9, g: 255 - i * 7, b: 40 } } })
    .png()
    .toBuffer();

/** Folders of a data set, in an order that is not that of its paths. */
const images = (): Promise<{ name: string; content: Buffer }[]> =>
  Promise.all(
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0].flatMap((i) => [
      colour(i).then((content) => ({ name: `pets/dog/${i}.png`, content })),
      colour(i + 12).then((content) => ({ name: `pets/cat/${i}.png`, content })),
    ]),
  );

const folderOf = (entries: readonly { name: string; content: Buffer }[]): Promise<string> =>
  written(Object.fromEntries(entries.map(({ name, content }) => [name, () => Promise.resolve(content)])));

describe('archives', () => {
  it('give the same data set as their folder', async () => {
    const entries = await images();
    const folder = await folderOf(entries);
    const zip = join(temporaryFolder(), 'pets.zip');
    writeFileSync(zip, zipOf(entries));
    const tars = ['pets.tar', 'pets.TGZ'].map((name) => join(temporaryFolder(), name));
    for (const file of tars)
      await create({ file, cwd: folder, gzip: !file.endsWith('.tar') }, ['pets/dog', 'pets/cat']);
    const dotted = join(temporaryFolder(), 'dotted.tar');
    await create({ file: dotted, cwd: folder }, ['.']);
    const hashes: string[] = [];
    for (const path of [join(folder, 'pets'), zip, ...tars, dotted]) {
      const ref = await prepareDataset(config(path), { cache: temporaryFolder() });
      const { hash, classes } = describeDataset(ref);
      expect(classes).toEqual(['cat', 'dog']);
      hashes.push(hash);
      expect(readReport(ref.directory)?.images).toBe(20);
    }
    expect(new Set(hashes).size).toBe(1);
  });

  it('hold lists and their images', async () => {
    const entries = (await images()).map(({ name, content }) => ({
      name: `set/${name.replaceAll('/', '_')}`,
      content,
    }));
    const rows = entries.map(({ name }) => `${name.slice(4)},${name.includes('dog') ? 'dog' : 'cat'}`);
    const zip = join(temporaryFolder(), 'list.zip');
    writeFileSync(
      zip,
      zipOf([...entries, { name: 'set/metadata.csv', content: Buffer.from(`file_name,label\n${rows.join('\n')}`) }]),
    );
    const ref = await prepareDataset(config(zip, { type: 'list' }), { cache: temporaryFolder() });
    expect(describeDataset(ref)).toMatchObject({
      classes: ['cat', 'dog'],
      counts: { train: 12, validation: 4, test: 4 },
    });
  });

  it('have odd entries left out or reported', async () => {
    const entries = await images();
    const [first] = entries;
    const damaged = Buffer.from(first.content);
    const zip = zipOf([
      ...entries,
      { name: 'pets/cat/link.png', content: Buffer.from('../dog/1.png'), mode: 0o120777 },
      { name: 'pets/cat/secret.png', content: first.content, flags: 1 },
      { name: 'pets/cat/bomb.png', content: Buffer.alloc(2 ** 25) },
      { name: 'pets/dog/9.png', content: damaged },
      { name: '__MACOSX/pets/cat/._1.png', content: damaged },
    ]);
    const path = join(temporaryFolder(), 'odd.zip');
    writeFileSync(path, zip);
    const ref = await prepareDataset(config(path, { damaged: 'skip' }), { cache: temporaryFolder() });
    const report = readReport(ref.directory);
    expect(report?.images).toBe(20);
    expect(report?.damaged).toMatchObject([{ path: 'pets/cat/secret.png', cause: 'closed' }]);
    expect(report?.skipped).toEqual([
      { path: 'pets/cat/link.png', cause: 'link' },
      { path: 'pets/cat/bomb.png', cause: 'size' },
      { path: 'pets/dog/9.png', cause: 'repeated' },
      { path: '__MACOSX/pets/cat/._1.png', cause: 'hidden' },
    ]);
  });

  it.each(['../evil.png', '/etc/evil.png', 'a/../../evil.png', 'C:/evil.png'])(
    'with the entry %s are refused',
    async (name) => {
      const path = join(temporaryFolder(), 'evil.zip');
      writeFileSync(path, zipOf([...(await images()), { name, content: Buffer.from('x') }]));
      await expect(openTree(path, 'images')).rejects.toMatchObject({ code: 'invalid-input' });
    },
  );

  it('with a TAR entry outside of them are refused', async () => {
    const folder = await folderOf([
      { name: 'inner/a.png', content: Buffer.from('x') },
      { name: 'b.png', content: Buffer.from('y') },
    ]);
    const file = join(temporaryFolder(), 'evil.tar');
    execFileSync('tar', ['-P', '-cf', file, '-C', join(folder, 'inner'), '../b.png']);
    await expect(openTree(file, 'images')).rejects.toThrow('"../b.png", which is outside of it');
  });

  it('that expand more than a thousandfold are refused', async () => {
    const folder = await folderOf([{ name: 'a/1.png', content: Buffer.alloc(2 ** 24 + 1) }]);
    const plain = join(temporaryFolder(), 'bomb.tar');
    await create({ file: plain, cwd: folder }, ['a']);
    const file = join(temporaryFolder(), 'bomb.tar.gz');
    // Packed twice: a reader that unpacks the inner one, too, would fill the disk.
    writeFileSync(file, gzipSync(readFileSync(plain), { level: 9 }));
    await expect(openTree(file, 'images')).rejects.toThrow('expands more than a thousandfold');
  });

  it.each(['pets.zip', 'pets.tar.gz'])('that are cut off are refused: %s', async (name) => {
    const entries = await images();
    const file = join(temporaryFolder(), name);
    if (name.endsWith('.zip')) writeFileSync(file, zipOf(entries));
    else await create({ file, cwd: await folderOf(entries), gzip: true }, ['pets']);
    truncateSync(file, statSync(file).size >> 1);
    await expect(openTree(file, 'images')).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining('cannot be read') as string,
    });
  });

  it('of other formats are refused with a remedy', async () => {
    const file = join(temporaryFolder(), 'pets.7z');
    writeFileSync(file, '7z');
    await expect(openTree(file, 'images')).rejects.toMatchObject({
      hint: expect.stringContaining('Unpack it') as string,
    });
    const copy = join(temporaryFolder(), 'copy.zip');
    cpSync(file, copy);
    await expect(openTree(copy, 'images')).rejects.toThrow('cannot be read');
    await expect(openTree(join(copy, 'images'), 'images')).rejects.toMatchObject({
      hint: `Unpack ${copy} and name the folder.`,
    });
  });
});
