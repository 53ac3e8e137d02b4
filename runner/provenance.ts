import { invalidInput } from '../base/errors.js';
import { qemuTools } from '../deploy/index.js';
import { describeEnvironment } from '../latency-models/index.js';
import { onProcessor, type EngineChoice } from '../trainers/index.js';
import { isTableExperiment, isTrainingExperiment } from '../experiments/schema/run-experiment.js';
import type { Experiment } from '../experiments/schema/experiment.js';
import type { RecordedEnvironment } from './engine.js';
import { isCleared } from './stored/workdir.js';
import { filesFor, filesOf, inputsOf, type Inputs } from './inputs.js';

/**
 * Refuses to clear a run whose files the experiment reads after that.
 * @throws NasError `invalid-input` with the key, the file and the folder
 */
export function requireOutside(workdir: string, experiment: Experiment): void {
  const from = isTrainingExperiment(experiment) ? experiment.latency.from : undefined;
  const read = { ...filesOf(experiment), ...(from !== undefined && { 'latency.from': from }) };
  for (const [key, file] of Object.entries(read)) {
    if (!filesFor(key, file).some((one) => isCleared(workdir, one))) continue;
    throw invalidInput(`${key}: ${file} belongs to the run in ${workdir}, which --fresh removes`, {
      hint: 'Choose another folder with --workdir, or copy the file out of the old run first.',
    });
  }
}

/**
 * The environment of a run, for its record: machine and software, or the table; hashes of what decides its results.
 * @param images hashes of its images; default: it reads none
 */
export function environmentOf(
  experiment: Experiment,
  threads: number,
  engine: EngineChoice = onProcessor,
  images: Inputs = {},
): RecordedEnvironment {
  const inputs = inputsOf(experiment, images);
  if (isTableExperiment(experiment)) return { table: experiment.space.file, time: 'simulated', inputs };
  if (!isTrainingExperiment(experiment)) return { evaluation: 'told', inputs };
  const { provider, adapter } = engine.type === 'compiled' ? engine : onProcessor;
  const settings = { provider, threads, batch: experiment.train.batch, adapter: adapter?.name };
  const { runtime, ...machine } = describeEnvironment('training', settings);
  const native = engine.type === 'native' ? { native: engine.isa ?? 'best' } : {};
  const tools = experiment.core === undefined ? [] : Object.values(qemuTools());
  return { ...machine, ...native, runtime: [runtime, ...tools].join(', '), inputs };
}
