import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { messageOf } from '../../../base/errors.js';
import { contentHash } from '../../../base/hash.js';
import { parseExperiment } from '../../../experiments/parse/index.js';
import type { TrainingExperiment } from '../../../experiments/schema/experiment.js';
import { prepareDataset, prepareTeacher, renderingOf, teacherSize } from '../../../trainers/index.js';
import { cachedFolder } from '../../runner/experiment.js';
import { experimentsOf } from './check.js';
import { trainingBase, writeFiles, type KeyFiles } from './files.js';
import { laidOver, type Row } from './row.js';
import { otherRows } from './rows/others.js';

const folder = cachedFolder();
let files: KeyFiles;
beforeAll(async () => {
  files = await writeFiles(folder);
});

/** The native engine opens fastest; few images are enough for other answers. */
const asked = { data: { subset: 0.5 }, engine: { type: 'auto', provider: null }, train: { loss: { type: 'kd' } } };

/** A teacher's answers to the images of the students, or why there is none. */
async function answersOf(written: object): Promise<string> {
  const text = JSON.stringify(laidOver(written, asked));
  const { experiment } = parseExperiment(join(folder, 'experiment.yaml'), text, { checkFiles: false });
  const { data, teacher, train, seed, engine } = experiment as TrainingExperiment;
  const cache = join(folder, 'cache');
  try {
    const size = await teacherSize(teacher);
    const renderings = size === null ? [] : [{ ...renderingOf(data), size }];
    const dataset = await prepareDataset(data, { cache, renderings });
    const prepared = await prepareTeacher(teacher, { dataset, train, seed, engine, threads: 1, cache });
    if (prepared === null) return 'none';
    return contentHash(prepared.logits === null ? null : readFileSync(prepared.logits.file));
  } catch (error) {
    return `refused: ${messageOf(error)}`;
  }
}

/** Keys whose values in the rows no file of the tests has: both are refused, by their names. */
const refused = ['freeze', 'features'];

/** Members of an average are prepared by the same function. */
const isOwn = ({ key, changes }: Row): boolean => /^teacher\((train|file)\)\./.test(key) && changes === 'teacher';

describe('the answers of a teacher', () => {
  it('depend on every key', async () => {
    const rows = otherRows(files).filter(isOwn);
    expect(rows.length).toBeGreaterThan(12);
    const defects: string[] = [];
    for (const row of rows) {
      const answers: string[] = [];
      // A batch of the few images, where the row has no other one.
      const batch = row.key.startsWith('teacher(train)') ? { teacher: { type: 'train', batch: 32 } } : {};
      const whole = { ...trainingBase(files.idx), ...batch };
      for (const written of experimentsOf(row, whole)) answers.push(await answersOf(written));
      const wants = refused.some((key) => row.key.endsWith(`.${key}`));
      for (const [i, answer] of answers.entries()) {
        const value = JSON.stringify(row.values[i]);
        if (answer.startsWith('refused') !== wants) defects.push(`${row.key}: ${value} ${answer}`);
        if (i > 0 && answer === answers[i - 1]) defects.push(`${row.key}: ${value} changes nothing`);
      }
    }
    expect(defects).toEqual([]);
  }, 1_200_000);
});
