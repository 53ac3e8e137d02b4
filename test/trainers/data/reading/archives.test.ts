import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, truncateSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { create } from 'tar';
import { describe, expect, it } from 'vitest';
import { readReport } from '../../../../trainers/data/prepare.js';
import { openTree } from '../../../../trainers/data/reading/tree.js';
import { describeDataset, prepareDataset, type DataConfig } from '../../../../trainers/index.js';
import { temporaryFolder } from '../../../support/temporary.js';

interface Entry {
  readonly name: string;
  readonly content: Buffer;
  /** Instead of the content's own size. */
  readonly size?: number;
  readonly mode?: number;
  readonly isEncrypted?: boolean;
}

/** The bytes of a ZIP archive with deflated entries. */
function zipOf(entries: readonly Entry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, size = content.length, mode = 0o100644, isEncrypted = false } of entries) {
    const packed = deflateRawSync(content);
    const bytes = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800 | (isEncrypted ? 1 : 0), 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(size, 18);
    common.writeUInt16LE(bytes.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, bytes, packed]);
    const central = Buffer.alloc(14);
    central.writeUInt32LE((mode << 16) >>> 0, 6);
    central.writeUInt32LE(offset, 10);
    const version = Buffer.from([20, 3]);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02'), version, common, central, bytes]));
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}

const config = (path: string, damaged: 'refuse' | 'skip' = 'refuse'): DataConfig => ({
  type: 'image-folder',
  path,
  size: 8,
  channels: 3,
  test: 0.2,
  validation: 0.2,
  subset: 1,
  damaged,
});

const colour = (i: number): Promise<Buffer> =>
  sharp({ create: { width: 9, height: 9, channels: 3, background: { r: i * 9, g: 255 - i * 7, b: 40 } } })
    .png()
    .toBuffer();

/** Folders of a data set, in an order that is not that of its paths. */
async function images(): Promise<{ name: string; content: Buffer }[]> {
  const all: { name: string; content: Buffer }[] = [];
  for (let i = 9; i >= 0; i--)
    all.push(
      { name: `pets/dog/${i}.png`, content: await colour(i) },
      { name: `pets/cat/${i}.png`, content: await colour(i + 12) },
    );
  return all;
}

async function folderOf(entries: readonly { name: string; content: Buffer }[]): Promise<string> {
  const folder = temporaryFolder();
  for (const { name, content } of entries) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return Promise.resolve(folder);
}

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
    const { type, ...others } = config(zip);
    const ref = await prepareDataset({ ...others, type: 'list' } as DataConfig, { cache: temporaryFolder() });
    expect(type).toBe('image-folder');
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
      { name: 'pets/cat/secret.png', content: first.content, isEncrypted: true },
      { name: 'pets/cat/bomb.png', content: Buffer.alloc(2 ** 25) },
      { name: 'pets/dog/9.png', content: damaged },
      { name: '__MACOSX/pets/cat/._1.png', content: damaged },
    ]);
    const path = join(temporaryFolder(), 'odd.zip');
    writeFileSync(path, zip);
    const ref = await prepareDataset(config(path, 'skip'), { cache: temporaryFolder() });
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
