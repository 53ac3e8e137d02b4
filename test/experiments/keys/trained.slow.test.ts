import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { contentHash } from '../../../base/hash.js';
import { parseExperiment } from '../../../experiments/parse/index.js';
import type { TrainingExperiment } from '../../../experiments/schema/experiment.js';
import { initialWeights } from '../../../spaces/models/index.js';
import {
  evaluateMember,
  fitSupernet,
  type FitResult,
  fromTrained,
  prepareTeacher,
  readWeights,
  saveWeights,
  type SupernetConfig,
  type TrainConfig,
} from '../../../trainers/index.js';
import { withStepsOn } from '../../../trainers/schema/recipe.js';
import { createSpace } from '../../../spaces/index.js';
import { readTensorFile } from '../../../trainers/tensor-file.js';
import { createSandwich } from '../../../trainers/supernet/sandwich.js';
import { memberJob, supernetJob } from '../../trainers/supernet/jobs.js';
import { tiniestStudent, tinyTeacher } from '../../trainers/support/networks.js';
import { auto, sharedWorkbench, quiet, tinyJob, complete, completed } from '../../trainers/support/tiny-training.js';
import { experimentsOf } from './check.js';
import { trainingBase } from './files.js';
import type { Row } from './row.js';
import { furtherRows, trainingRows } from './rows/training.js';

const images = 96;
const bench = sharedWorkbench([8]);
/** Files of weights: of the teacher, and those that a training from given weights begins with. */
const files = { teacher: '', initial: '' };
beforeAll(() => {
  for (const [name, network] of [
    ['teacher', tinyTeacher()],
    ['initial', tiniestStudent],
  ] as const) {
    files[name] = join(bench.folder, `${name}.bin`);
    saveWeights(initialWeights(network, 7), files[name]);
  }
});

const teacherOf = (train: TrainConfig) => {
  const network = { type: 'network', name: 'teacher', network: tinyTeacher(), weights: files.teacher } as const;
  const cache = join(bench.folder, 'cache');
  return prepareTeacher(network, { dataset: bench.dataset, train, seed: 3, engine: auto, threads: 1, cache });
};

const needsTeacher = ({ loss }: TrainConfig): boolean => loss !== undefined && loss.type !== 'cross-entropy';

const known = new Map<string, Promise<string>>();

/** The result of a training by the configuration; each is trained once. */
function once(begin: (id: string) => Promise<string>, ...of: readonly unknown[]): Promise<string> {
  const id = contentHash(...of);
  const result = known.get(id) ?? begin(id.slice(0, 24));
  known.set(id, result);
  return result;
}

/** Hash of weights and a curve. The file itself also says what it was trained by. */
function resultOf(result: FitResult, weights: ReadonlyMap<string, { readonly data: Float32Array }>): string {
  const numbers = [...weights].flatMap(([name, { data }]) => [name, data]);
  return contentHash(...numbers, ...result.curve.map((epoch) => ({ ...epoch, seconds: 0 })));
}

/** What a training by the configuration gives. */
function trained(train: TrainConfig, key: string): Promise<string> {
  const fromWeights = key === 'train.tuning_rate';
  const begin = async (id: string): Promise<string> => {
    const teacher = needsTeacher(train) ? await teacherOf(train) : null;
    const config = withStepsOn(images, fromWeights ? fromTrained(train) : train);
    const initial = fromWeights ? { initial: { file: files.initial, places: undefined } } : {};
    const job = tinyJob(bench, id, { train: config, teacher, engine: auto, ...initial });
    const result = await complete(job);
    return resultOf(result, readWeights(tiniestStudent, result.weights));
  };
  return once(begin, train, fromWeights);
}

/** What the training of a supernet by the configuration gives; of the key `calibration`, one of its networks in use. */
function supernetTrained(config: SupernetConfig, key: string): Promise<string> {
  const isMember = key === 'supernet.calibration';
  const begin = async (id: string): Promise<string> => {
    const teacher = needsTeacher(config) ? await teacherOf(config) : null;
    const job = supernetJob(bench, id, { config: withStepsOn(images, config), teacher, engine: auto });
    const result = completed(await fitSupernet(job, quiet()));
    if (!isMember) return resultOf(result, readTensorFile(result.weights).tensors);
    const { member } = createSandwich(await createSpace(job.space, job.task), config, job.seed).at(0)[1];
    const { calibration } = config;
    const calibrated = memberJob(bench, { member, weights: result.weights, engine: auto, calibration });
    return resultOf(result, (await evaluateMember(calibrated)).weights);
  };
  return once(begin, config, isMember);
}

/** Keys that change no number of such a training, and why. */
const unchanged: Readonly<Record<string, string>> = {
  'train.checkpoint_seconds': 'results do not depend on when checkpoints are written',
  'train.augment[](colour-jitter).saturation': 'grey images have none',
  'supernet.checkpoint_seconds': 'results do not depend on when checkpoints are written',
  'supernet.augment[](colour-jitter).saturation': 'grey images have none',
};

/** Two epochs: what a key changes shows in the first steps. */
const whole = { ...trainingBase(['nowhere', 'nowhere']), train: { epochs: 2, batch: 32 } };
const experimentOf = (written: object) =>
  parseExperiment('keys.yaml', JSON.stringify(written), { checkFiles: false }).experiment as TrainingExperiment;

/** The training that an experiment describes by `train:`, or by `supernet:`. */
const trainings: Readonly<Record<'train' | 'supernet', (written: object, key: string) => Promise<string>>> = {
  train: (written, key) => trained(experimentOf(written).train, key),
  supernet(written, key) {
    const { supernet } = experimentOf(written);
    if (supernet === undefined || 'from' in supernet) throw new Error('no supernet is trained');
    return supernetTrained(supernet, key);
  },
};

/** The keys of `final:` arrive in the same job as those of `train:` (`keys.slow.test.ts`), and are trained by the same function. */
describe.each(['train', 'supernet'] as const)('the weights and the curve of a training (%s)', (at) => {
  const rows = [...trainingRows(), ...furtherRows(['a', 'b'])].filter(
    ({ key, changes }) => key.startsWith(`${at}.`) && key !== 'supernet.from' && changes !== 'refused',
  );
  it.each(rows.map((row): [string, Row] => [row.key, row]))('depend on %s', async (key, row) => {
    const results: string[] = [];
    for (const written of experimentsOf(row, whole)) results.push(await trainings[at](written, key));
    for (const [i, result] of results.slice(1).entries())
      if (key in unchanged) expect(result).toBe(results[i]);
      else expect(result, JSON.stringify(row.values.slice(i, i + 2))).not.toBe(results[i]);
  });
});
