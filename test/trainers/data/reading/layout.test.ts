import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NasError } from '../../../../base/errors.js';
import { readLayout } from '../../../../trainers/data/reading/layout.js';
import type { Listing } from '../../../../trainers/data/reading/listing.js';
import { openTree } from '../../../../trainers/data/reading/tree.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { expandPath } from '../boxes/files.js';
import { layouts } from './layouts.js';

function write(files: readonly string[]): string {
  const folder = temporaryFolder();
  for (const path of files.flatMap(expandPath)) {
    mkdirSync(join(folder, path.endsWith('/') ? path : dirname(path)), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(join(folder, path), path);
  }
  return folder;
}

function countsOf({ items }: Listing): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { split } of items) counts[split ?? 'all'] = (counts[split ?? 'all'] ?? 0) + 1;
  return counts;
}

async function readOrRefuse(folder: string, wanted?: readonly string[]): Promise<Listing | NasError> {
  const tree = await openTree(folder, 'images');
  try {
    return readLayout(tree, wanted);
  } catch (error) {
    if (error instanceof NasError) return error;
    throw error;
  }
}

describe('a folder as people have it', () => {
  it.each(Object.entries(layouts))('is read or refused: %s', async (_, layout) => {
    const { files, classes = ['cat', 'dog'], images, notes, refused, hint } = layout;
    const found = await readOrRefuse(write(files));
    if (refused !== undefined) {
      expect(found).toBeInstanceOf(NasError);
      expect(found).toMatchObject({
        code: 'invalid-input',
        message: expect.stringContaining(refused) as string,
        hint: expect.stringContaining(hint ?? expect.fail('no hint')) as string,
      });
      return;
    }
    if (found instanceof NasError) throw found;
    expect(found.classes).toEqual(classes);
    expect(countsOf(found)).toEqual(images);
    for (const note of notes ?? []) expect(found.notes.join('\n')).toContain(note);
    if (notes === undefined) expect(found.notes).toEqual([]);
    // Each image lies in a folder of its class.
    for (const { file, label } of found.items)
      expect(file.path.normalize('NFC').toLowerCase()).toContain(found.classes[label].normalize('NFC').toLowerCase());
  });

  it.each<[string, readonly string[], Record<string, number>, string]>([
    ['beside others', ['{dog,cat,owl}/{a,b}.jpg'], { all: 4 }, 'Ignored beside the classes: owl (2 images).'],
    ['with the same sub-folders', ['{cat,dog}/{day,night}/a.jpg'], { all: 4 }, 'belong to the class: cat, dog'],
    ['in splits', ['{train,test}/{cat,dog}/a.jpg'], { train: 2, test: 2 }, ''],
    ['that hold the names of splits', ['{cat,dog}/{train,other}/{x,y}/a.jpg'], { all: 8 }, 'belong to the class'],
  ])('has the class folders that the user names, in their order: %s', async (_, files, images, note) => {
    const found = await readOrRefuse(write(files), ['dog', 'cat']);
    if (found instanceof NasError) throw found;
    expect(found.classes).toEqual(['dog', 'cat']);
    expect(countsOf(found)).toEqual(images);
    expect(found.notes.join()).toContain(note);
    for (const { file, label } of found.items) expect(file.path).toContain(['dog', 'cat'][label]);
    expect(await readOrRefuse(write(files), ['dog', 'cow'])).toMatchObject({ code: 'invalid-input' });
  });
});
