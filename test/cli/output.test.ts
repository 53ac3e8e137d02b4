import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { writeExport } from '../../cli/arguments/output.js';
import { sharedFolder } from '../support/temporary.js';

const folder = sharedFolder();

it.each([
  ['inside of a folder that exists: it may be a mounted device', 'device', true, 'device'],
  ['beside a folder that it creates', 'models', false, '.'],
])('an export is written first %s', async (_, name, exists, place) => {
  const directory = join(folder, name);
  if (exists) mkdirSync(directory);
  await writeExport(directory, false, (staged) => {
    expect(dirname(staged)).toBe(join(folder, place));
    writeFileSync(join(staged, 'study.db'), 'study');
    return Promise.resolve();
  });
  expect(readdirSync(directory)).toEqual(['study.db']);
});
