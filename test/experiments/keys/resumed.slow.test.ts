import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { messageOf } from '../../../base/errors.js';
import { nasVersion } from '../../../base/modules.js';
import { canonicalJson } from '../../../base/hash.js';
import { parseExperiment, type LoadedExperiment } from '../../../experiments/parse/index.js';
import { requireSame } from '../../../runner/stored-experiment.js';
import { environmentOf } from '../../../runner/provenance.js';
import { databasePath } from '../../../runner/stored/workdir.js';
import { Store } from '../../../store/index.js';
import { cachedFolder } from '../../runner/experiment.js';
import { experimentsOf } from './check.js';
import { writeFiles, type KeyFiles } from './files.js';
import type { Row } from './row.js';
import { kinds } from './rows/kinds.js';
import { plainKey } from './walk.js';

const folder = cachedFolder();
let files: KeyFiles;
beforeAll(async () => {
  files = await writeFiles(folder);
});

const parsed = (written: object): LoadedExperiment =>
  parseExperiment(join(folder, 'experiment.yaml'), JSON.stringify(written), { checkFiles: false });

/** The folder of a run that has just begun. */
function begun({ experiment, source, written }: LoadedExperiment): string {
  const workdir = mkdtempSync(join(folder, 'begun-'));
  const { name, seed } = experiment;
  const environment = environmentOf(experiment, 1);
  const meta = { name, seed, source, experiment, written, threads: 1, version: nasVersion(), environment };
  Store.create(databasePath(workdir), meta).close();
  return workdir;
}

/** Keys that may change between two parts of a run: where jobs are computed, who is told, and where files are, whose content is compared. */
const mayChange = [
  /^(workers|log)(\.|$)/,
  /^(data\.(path|unlabelled)|train\.from|teacher\.path|supernet\.from|evaluate\.path)$/,
  /^(space\.(path|file)|search\.controller\.path|latency\.device\.file)$/,
];

/** Whether two experiments differ where a run of the first would refuse the second. */
function defectOf({ key }: Row, before: LoadedExperiment, now: LoadedExperiment): string | null {
  if (canonicalJson(before.experiment) === canonicalJson(now.experiment)) return `${key}: both are the same`;
  const accepts = mayChange.some((one) => one.test(plainKey(key)));
  try {
    requireSame(begun(before), now);
    return accepts ? null : `${key}: another value is accepted`;
  } catch (error) {
    const message = messageOf(error);
    if (accepts) return `${key}: ${message}`;
    return /differs in /.test(message) ? null : `${key}: refused for another reason: ${message}`;
  }
}

describe.each(['training', 'table', 'study'] as const)('a run that goes on (%s)', (kind) => {
  it('refuses another value of a key, except of where files, workers and other programs are', () => {
    const { whole, rows } = kinds[kind](files);
    const valid = rows.filter(({ changes }) => changes !== 'refused');
    const defects = valid.flatMap((row) => {
      const [before, now] = experimentsOf(row, whole).slice(0, 2).map(parsed);
      return defectOf(row, before, now) ?? [];
    });
    expect(defects).toEqual([]);
  });
});
