import { beforeAll, describe, expect, it } from 'vitest';
import { experimentJsonSchema } from '../../../experiments/parse/json-schema.js';
import { cachedFolder } from '../../runner/experiment.js';
import { KeyChecks } from './check.js';
import { unexplained } from './commands.js';
import type { Part } from './effects.js';
import { writeFiles, type KeyFiles } from './files.js';
import type { Row } from './row.js';
import { notForBoxes, ownBoxRows } from './rows/boxes.js';
import { kinds } from './rows/kinds.js';
import { keysOf } from './walk.js';

const folder = cachedFolder();
let files: KeyFiles;
beforeAll(async () => {
  files = await writeFiles(folder);
});

/** Parts that every run shows after a moment; the slow test runs all others, too. */
const quick: ReadonlySet<Part> = new Set<Part>(['space', 'data', 'workers', 'refused', 'pool', 'times']);
/** Keys of controllers, which tables compare in a moment, and of one kind of fidelity. */
const longInStudies = /^search\.(controller|startup|fidelity\()/;

/** Keys of detectors, which studies have no data for. */
const ofBoxes = /\.detect\./;

/** Where a row is compared here: the keys of tables and most of studies in a whole search, which is quick. */
const partOf = ({ key, changes }: Row, kind: keyof typeof kinds): Part => {
  const isSearched = kind !== 'training' && !key.startsWith('objectives');
  return quick.has(changes) || (isSearched && !(kind === 'study' && longInStudies.test(key))) ? changes : 'resolved';
};

describe.each(['training', 'table', 'study'] as const)('the keys of an experiment (%s)', (kind) => {
  it('have a row each, and rows have keys', () => {
    const keys = keysOf(experimentJsonSchema(kind)).filter((key) => kind === 'training' || !ofBoxes.test(key));
    const inRows = kinds[kind](files).rows.map(({ key }) => key);
    if (kind === 'training') inRows.push(...ownBoxRows(files).map(({ key }) => key));
    expect(inRows.filter((key) => !keys.includes(key))).toEqual([]);
    expect(keys.filter((key) => !inRows.includes(key))).toEqual([]);
    expect(inRows.length).toBe(new Set(inRows).size);
  });

  it('change what their row says', async () => {
    const { whole, rows } = kinds[kind](files);
    const checks = new KeyChecks(folder, whole);
    const defects: (string | null)[] = [];
    for (const row of rows) defects.push(await checks.defectOf(row, partOf(row, kind)));
    expect(defects.filter((defect) => defect !== null)).toEqual([]);
  });
});

describe('the keys of an experiment on images with boxes', () => {
  it('change what their row says, or are refused', async () => {
    const { whole, rows } = kinds.boxes(files);
    const checks = new KeyChecks(folder, whole);
    const defects: (string | null)[] = [];
    for (const one of rows) {
      if (!notForBoxes.test(one.key)) defects.push(await checks.defectOf(one, partOf(one, 'training')));
      else defects.push(await checks.acceptedOf(one, /boxes|detector|needs a supernet|needs a teacher/));
    }
    expect(defects.filter((defect) => defect !== null)).toEqual([]);
  });
});

describe.each(['specialize', 'tune'] as const)('nas %s', (command) => {
  it('takes every key of an experiment, but those whose reason is known', () => {
    expect(unexplained(command, kinds.training(files))).toEqual({ lost: [], unknown: [] });
  });
});
