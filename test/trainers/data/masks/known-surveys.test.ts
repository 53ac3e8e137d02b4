import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { masksSchema, readMasks, type MaskData } from '../../../../trainers/index.js';
import { makeMaskedImages } from '../../../support/boxed-images.js';
import { temporaryFolder } from '../../../support/temporary.js';

let folder = '';
let cache = '';
beforeEach(async () => {
  folder = temporaryFolder();
  cache = join(folder, 'cache');
  await makeMaskedImages(join(folder, 'images'), { count: 4 });
});

const read = (path = 'images'): Promise<MaskData> =>
  readMasks(masksSchema.parse({ type: 'masks', path: join(folder, path) }), { cache });
const pixelsOf = ({ images }: MaskData): (readonly number[])[] => images.map(({ pixels }) => pixels);
const kept = (): string => join(cache, 'data', readdirSync(join(cache, 'data'))[0]);
const mask = (): string => join(folder, 'images/masks/0002.png');

test('masks are counted once', async () => {
  const before = pixelsOf(await read());
  expect(pixelsOf(await read())).toEqual(before);
  // The counts of the file are those that are answered.
  writeFileSync(kept(), readFileSync(kept(), 'utf8').replaceAll('"counts":[[0,', '"counts":[[0,1'));
  const [[first], [others]] = [pixelsOf(await read())[0], before[0]];
  expect(first).toBe(Number(`1${others}`));
});

test('a mask that changes is counted again, also with the size and the date that it had', async () => {
  const before = pixelsOf(await read());
  const { size, atime, mtime } = statSync(mask());
  const other = readFileSync(join(folder, 'images/masks/0001.png'));
  writeFileSync(mask(), Buffer.concat([other, Buffer.alloc(Math.max(0, size - other.length))]));
  utimesSync(mask(), atime, mtime);
  const after = pixelsOf(await read());
  expect(after[2]).toEqual(before[1]);
  expect(after.filter((_, i) => i !== 2)).toEqual(before.filter((_, i) => i !== 2));
});

test('a mask that is damaged is named at each start, and counted when it is whole again', async () => {
  const before = pixelsOf(await read());
  const whole = readFileSync(mask());
  writeFileSync(mask(), whole.subarray(0, 60));
  for (let i = 0; i < 2; i++)
    expect((await read()).findings).toEqual([expect.objectContaining({ kind: 'unreadable', where: 'masks/0002.png' })]);
  writeFileSync(mask(), whole);
  const data = await read();
  expect([data.findings, pixelsOf(data)]).toEqual([[], before]);
});

test('a damaged cache, or one that cannot be written, costs time alone', async () => {
  const before = pixelsOf(await read());
  const lines = readFileSync(kept(), 'utf8').split('\n');
  writeFileSync(kept(), [lines[0].slice(0, 40), ...lines.slice(1)].join('\n'));
  expect(pixelsOf(await read())).toEqual(before);
  cache = join(folder, 'a-file');
  writeFileSync(cache, '');
  expect(pixelsOf(await read())).toEqual(before);
});
