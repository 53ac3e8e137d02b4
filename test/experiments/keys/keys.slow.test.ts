import { beforeAll, describe, expect, it } from 'vitest';
import { cachedFolder } from '../../runner/experiment.js';
import { KeyChecks } from './check.js';
import { writeFiles, type KeyFiles } from './files.js';
import { kinds } from './rows/kinds.js';

const folder = cachedFolder();
let files: KeyFiles;
beforeAll(async () => {
  files = await writeFiles(folder);
});

describe.each(['training', 'table', 'study'] as const)('the keys of an experiment (%s)', (kind) => {
  it('change what their row says, in whole runs', async () => {
    const { whole, rows } = kinds[kind](files);
    const checks = new KeyChecks(folder, whole);
    const defects: (string | null)[] = [];
    for (const row of rows) defects.push(await checks.defectOf(row));
    expect(defects.filter((defect) => defect !== null)).toEqual([]);
  }, 1_200_000);
});
