import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentHash } from '../../../base/hash.js';
import { parseExperiment } from '../../../experiments/parse/index.js';
import type { TrainingExperiment } from '../../../experiments/schema/experiment.js';
import { initialWeights } from '../../../spaces/models/index.js';
import {
  fit,
  fromTrained,
  prepareTeacher,
  readWeights,
  saveWeights,
  type TrainConfig,
} from '../../../trainers/index.js';
import { withStepsOn } from '../../../trainers/schema/recipe.js';
import { tiniestStudent, tinyTeacher } from '../../trainers/support/networks.js';
import { compiled, openWorkbench, quiet, tinyJob, type Workbench } from '../../trainers/support/tiny-training.js';
import { experimentsOf } from './check.js';
import { trainingBase } from './files.js';
import type { Row } from './row.js';
import { trainingRows } from './rows/training.js';

const images = 96;
let bench: Workbench;
/** Files of weights: of the teacher, and those that a training from given weights begins with. */
const files = { teacher: '', initial: '' };
beforeAll(async () => {
  bench = await openWorkbench();
  for (const [name, network] of [
    ['teacher', tinyTeacher()],
    ['initial', tiniestStudent],
  ] as const) {
    files[name] = join(bench.folder, `${name}.bin`);
    saveWeights(initialWeights(network, 7), files[name]);
  }
});
afterAll(() => bench.close());

const teacherOf = (train: TrainConfig) => {
  const network = { type: 'network', name: 'teacher', network: tinyTeacher(), weights: files.teacher } as const;
  const cache = join(bench.folder, 'cache');
  return prepareTeacher(network, { dataset: bench.dataset, train, seed: 3, engine: compiled, threads: 1, cache });
};

const known = new Map<string, Promise<string>>();

/** Hash of the weights and the curve of a training by the configuration; each is trained once. */
function trained(train: TrainConfig, key: string): Promise<string> {
  const fromWeights = key === 'train.tuning_rate';
  const id = contentHash(train, fromWeights);
  const begin = async (): Promise<string> => {
    const teacher = train.loss === undefined || train.loss.type === 'cross-entropy' ? null : await teacherOf(train);
    const config = withStepsOn(images, fromWeights ? fromTrained(train) : train);
    const initial = fromWeights ? { initial: { file: files.initial, places: undefined } } : {};
    const job = tinyJob(bench, id.slice(0, 24), { train: config, teacher, ...initial });
    const result = await fit(job, quiet());
    if (result.state !== 'complete') throw new Error('the training was not interrupted');
    // The file itself also says what it was trained by.
    const weights = [...readWeights(tiniestStudent, result.weights)].flatMap(([name, { data }]) => [name, data]);
    return contentHash(...weights, ...result.curve.map((epoch) => ({ ...epoch, seconds: 0 })));
  };
  const result = known.get(id) ?? begin();
  known.set(id, result);
  return result;
}

/** Keys that change no number of such a training, and why. */
const unchanged: Readonly<Record<string, string>> = {
  'train.checkpoint_seconds': 'results do not depend on when checkpoints are written',
  'train.quantize_aware.epochs': 'of the fine-tuning that follows',
  'train.augment[](colour-jitter).saturation': 'grey images have none',
};

const whole = trainingBase(['nowhere', 'nowhere']);
const configOf = (written: object): TrainConfig => {
  const { experiment } = parseExperiment('keys.yaml', JSON.stringify(written), { checkFiles: false });
  return (experiment as TrainingExperiment).train;
};

const rows = trainingRows().filter(({ key }) => key.startsWith('train.'));

/** The keys of `final:` arrive in the same job (`keys.slow.test.ts`), and are trained by the same function. */
describe('the weights and the curve of a training', () => {
  it.each(rows.map((row): [string, Row] => [row.key, row]))('depend on %s', async (key, row) => {
    const results: string[] = [];
    for (const written of experimentsOf(row, whole)) results.push(await trained(configOf(written), key));
    for (const [i, result] of results.slice(1).entries())
      if (key in unchanged) expect(result).toBe(results[i]);
      else expect(result, JSON.stringify(row.values.slice(i, i + 2))).not.toBe(results[i]);
  });
});
