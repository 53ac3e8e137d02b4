import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { invalidInput } from '../../base/errors.js';
import { contentHash } from '../../base/hash.js';
import { qemuTools } from '../../deploy/index.js';
import { describeEnvironment } from '../../latency-models/index.js';
import { onProcessor, type EngineChoice } from '../../trainers/index.js';
import { weightsFilesOf } from '../initial-weights/read.js';
import { isOwnSupernet, isTableExperiment, isTrainingExperiment } from '../schema/run-experiment.js';
import type { Experiment } from '../schema/experiment.js';
import type { RecordedEnvironment } from './engine.js';
import { isCleared } from '../stored/workdir.js';
import { sharedWeights } from './supernet.js';

/** Hashes of the files that the results rest on, by the key that names them. */
const filesShape = z.looseObject({ files: z.record(z.string(), z.string()).default({}) });

/** Older runs stored the hash of a table only. */
const tableShape = z.looseObject({ table: z.string(), sha256: z.string() });

const weightsKey = 'train.from';

/** The files whose content decides the results, by the key that names them: tables, modules, weights. */
function filesOf(experiment: Experiment): Readonly<Record<string, string>> {
  const { space, search } = experiment;
  return {
    ...(space.type === 'table' ? { 'space.file': space.file } : {}),
    ...(space.type === 'module' ? { 'space.path': space.path } : {}),
    ...(typeof search.controller === 'string' ? {} : { 'search.controller.path': search.controller.path }),
    ...('supernet' in experiment && experiment.supernet !== undefined && !isOwnSupernet(experiment.supernet)
      ? { 'supernet.from': sharedWeights(experiment.supernet.from) }
      : {}),
    ...('evaluate' in experiment && experiment.evaluate?.type === 'module'
      ? { 'evaluate.path': experiment.evaluate.path }
      : {}),
    ...('initial' in experiment && experiment.initial !== undefined ? { [weightsKey]: experiment.initial } : {}),
  };
}

/** Hash of all that is read for a key; null when the file is gone. */
function hashOf(key: string, file: string): string | null {
  if (!existsSync(file)) return null;
  const files = key === weightsKey ? weightsFilesOf(file) : [file];
  return contentHash(...files.map((one) => readFileSync(one)));
}

/**
 * Refuses to clear a run whose files the experiment reads after that.
 * @throws NasError `invalid-input` with the key, the file and the folder
 */
export function requireOutside(workdir: string, experiment: Experiment): void {
  const { teacher, latency } = isTrainingExperiment(experiment) ? experiment : {};
  const predictor = latency?.predictor;
  const read = {
    ...filesOf(experiment),
    ...(teacher !== undefined && 'path' in teacher ? { 'teacher.path': teacher.path } : {}),
    ...(typeof predictor === 'string' ? { 'latency.predictor': predictor } : predictor),
    ...(latency?.from !== undefined && { 'latency.from': latency.from }),
  };
  for (const [key, file] of Object.entries(read)) {
    const files = key === weightsKey && existsSync(file) ? weightsFilesOf(file) : [file];
    if (!files.some((one) => isCleared(workdir, one))) continue;
    throw invalidInput(`${key}: ${file} belongs to the run in ${workdir}, which --fresh removes`, {
      hint: 'Choose another folder with --workdir, or copy the file out of the old run first.',
    });
  }
}

/** Kinds of files, for people; all others are modules. */
const kinds: ReadonlyMap<string, string> = new Map([
  ['space.file', 'table'],
  ['supernet.from', 'supernet'],
  [weightsKey, 'file of weights'],
]);

/** The environment of a run, for its record: machine and software, or the table; hashes of files that decide its results. */
export function environmentOf(
  experiment: Experiment,
  threads: number,
  engine: EngineChoice = onProcessor,
): RecordedEnvironment {
  const files = Object.fromEntries(Object.entries(filesOf(experiment)).map(([key, file]) => [key, hashOf(key, file)]));
  const beside = Object.keys(files).length === 0 ? {} : { files };
  if (isTableExperiment(experiment)) return { table: experiment.space.file, time: 'simulated', ...beside };
  if (!isTrainingExperiment(experiment)) return { evaluation: 'told', ...beside };
  const { provider, adapter } = engine.type === 'compiled' ? engine : onProcessor;
  const settings = { provider, threads, batch: experiment.train.batch, adapter: adapter?.name };
  const { runtime, ...machine } = describeEnvironment('training', settings);
  const tools = experiment.core === undefined ? [] : Object.values(qemuTools());
  return { ...machine, runtime: [runtime, ...tools].join(', '), ...beside };
}

/** @throws NasError `invalid-input` when the content of the table, a module or weights changed since the run began. */
export function requireSameFiles(experiment: Experiment, environment: unknown): void {
  const old = tableShape.safeParse(environment);
  const { files: stored } = filesShape.parse(environment);
  const known = old.success ? { ...stored, 'space.file': old.data.sha256 } : stored;
  for (const [key, file] of Object.entries(filesOf(experiment))) {
    // Runs of older versions have fewer hashes.
    if (key in known && known[key] !== hashOf(key, file))
      throw invalidInput(`${file}: the ${kinds.get(key) ?? 'module'} has changed since the run began, or is gone`, {
        hint: 'Bring the old content back, or start over with nas run --fresh.',
      });
  }
}
