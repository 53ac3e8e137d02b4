import { trainingExperimentOf } from './stored/experiment.js';
import { basename, dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { invalidInput } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import type { DeviceConfig } from '../latency-models/index.js';
import type { Objective } from '../search/index.js';
import { Store } from '../store/index.js';
import { locatingNowhere, parseExperiment, type LoadedExperiment } from '../experiments/parse/index.js';
import { isMap } from '../experiments/parse/problem.js';
import type { RunObserver } from './events.js';
import type { RunOptions } from './begin.js';
import { runExperiment } from './run.js';
import { type RunOutcome } from './execute.js';
import { never } from './stop.js';
import { filesOf, imagesOf, inputChanges, requireSameInputs, storedInputs } from './inputs.js';
import { prepareImages } from './prepare-plan.js';
import { trainedSupernet } from './trainings/supernet.js';
import type { TrainingExperiment } from '../experiments/schema/experiment.js';
import { isMetric } from '../base/scores.js';
import { accuracyOf, isAccuracy, taskOf } from '../experiments/schema/measures.js';
import { databasePath } from './stored/workdir.js';

/** Budget and device of a new search of a finished supernet. */
export interface Specialization {
  /** Hard limit in ms for one batch. */
  readonly latencyMs: number;
  /** The device that measures latency; by default the device of the run. */
  readonly device?: DeviceConfig | undefined;
  readonly trials: number;
  /** Epochs of the frontier's final training; default: none, the networks stay slices. */
  readonly epochs?: number | undefined;
  /** Folder of the new run; default: beside the old one, named after budget and device. */
  readonly workdir?: string | undefined;
}

type Written = Readonly<Record<string, unknown>>;

const without = (value: unknown, ...keys: readonly string[]): Written =>
  isMap(value) ? Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key))) : {};

/**
 * The run's objectives in the order accuracy, further metrics, latency, others. Bounds of accuracies, further metrics and latencies belong
 * to the old search and are dropped.
 */
function objectivesOf({ objectives, data }: TrainingExperiment): readonly (string | Objective)[] {
  const metrics = objectives.map(({ name }) => name).filter(isMetric);
  const accuracy =
    metrics.length === 0 || objectives.some(({ name }) => isAccuracy(name)) ? [accuracyOf('train', taskOf(data))] : [];
  const others = objectives.filter(({ name }) => !isAccuracy(name) && !isMetric(name) && name !== 'latency_ms');
  return [...accuracy, ...metrics, 'latency_ms', ...others];
}

/** Drops the predictor and the model of another run when the device changes. */
const latencyOf = (written: unknown, { device, latencyMs }: Specialization): Written => {
  const { predictor, from, ...kept } = without(written, 'device', 'budget_ms');
  const isModel = isMap(predictor) || (typeof predictor === 'string' && predictor.endsWith('.json'));
  const own = isMap(written) && device === undefined ? { device: written['device'] } : { device };
  return {
    ...kept,
    ...(predictor !== undefined && (device === undefined || !isModel) && { predictor }),
    ...(from !== undefined && device === undefined && { from }),
    ...(own.device !== undefined && own),
    budget_ms: latencyMs,
  };
};

/**
 * The experiment that searches the supernet of a run for another budget or device.
 * @param source workdir of the run with the supernet
 * @param written the run's experiment as written
 */
export function specialized(
  source: string,
  written: Written,
  experiment: TrainingExperiment,
  wanted: Specialization,
): Written {
  const { device, latencyMs, trials, epochs } = wanted;
  // A device table has one precision, which leaves nothing to compress.
  const isTable = (device ?? experiment.latency.device).type === 'table';
  const name = [experiment.name, ...(device === undefined ? [] : [device.type]), `${latencyMs}ms`].join('-');
  const search = without(written['search'], 'stop', 'fidelity', 'filter', 'features', 'enqueue', 'seed_from', 'from');
  // Without final training there is no need for a teacher or a training configuration.
  const learning =
    epochs === undefined
      ? { train: without(written['train'], 'from', 'loss'), final: 'none' }
      : {
          ...('teacher' in written && { teacher: written['teacher'] }),
          train: without(written['train'], 'from'),
          final: { ...without(written['final'], 'from', 'folds'), epochs },
        };
  return {
    name,
    seed: experiment.seed,
    // Images without labels are learned from a teacher.
    data: epochs === undefined && isMap(written['data']) ? without(written['data'], 'unlabelled') : written['data'],
    space: written['space'],
    ...learning,
    supernet: { from: source },
    ...('compress' in written && !isTable && { compress: written['compress'] }),
    latency: latencyOf(written['latency'], wanted),
    objectives: objectivesOf(experiment),
    ...('constraints' in written && { constraints: written['constraints'] }),
    search: { ...search, evaluate: 'supernet', trials },
    ...('engine' in written && { engine: written['engine'] }),
    ...('workers' in written && { workers: written['workers'] }),
    ...('log' in written && { log: written['log'] }),
  };
}

export interface SpecializedRun {
  readonly loaded: LoadedExperiment;
  /** Workdir of the run with the supernet. */
  readonly source: string;
  readonly workdir: string;
}

export const experimentFile = 'experiment.yaml';

/**
 * Creates the experiment that searches a run's finished supernet for another budget or device.
 * @throws NasError `invalid-input` when there is no such supernet, or the folder holds another run.
 */
export function specialize(workdir: string, wanted: Specialization): SpecializedRun {
  const source = resolve(workdir);
  trainedSupernet(source);
  const { written, experiment } = runOf(source);
  const derived = specialized(source, written, experiment, wanted);
  const target = resolve(wanted.workdir ?? join(dirname(source), String(derived['name'])));
  if (target === source)
    throw invalidInput(`${workdir}: its frontier would be overwritten`, { hint: 'Choose another --workdir.' });
  const file = join(target, experimentFile);
  const comment = `# Searches the supernet of ${basename(source)} for a latency of ${wanted.latencyMs} ms.\n`;
  return { loaded: parseExperiment(file, comment + stringify(derived)), source, workdir: target };
}

function runOf(workdir: string): { readonly written: Written; readonly experiment: TrainingExperiment } {
  using store = Store.open(databasePath(workdir), { readonly: true });
  const experiment = trainingExperimentOf(store, workdir);
  // Stored when the run began.
  const [{ detail }] = store.events.of('created');
  const { written } = detail as { readonly written: Written };
  return { written, experiment };
}

/**
 * Refuses images, a space or a teacher that changed since the supernet was trained.
 * @throws NasError `inputs-changed` as `nas resume` of the run with the supernet
 */
async function requireSameSource(
  { loaded, source }: SpecializedRun,
  observe: RunObserver,
  signal: AbortSignal,
): Promise<void> {
  using store = Store.open(databasePath(source), { readonly: true });
  const experiment = trainingExperimentOf(store, source);
  const images = imagesOf(await prepareImages(experiment.data, { locating: locatingNowhere, observe, signal }));
  const stored = storedInputs(store.run.get(), source);
  const { data } = loaded.experiment as TrainingExperiment;
  const read = [
    'data',
    ...('unlabelled' in data && data.unlabelled !== undefined ? ['data.unlabelled'] : []),
    ...Object.keys(filesOf(loaded.experiment)),
  ];
  const trainedWith = read.filter((key) => /^(data|space|teacher)\b/.test(key));
  const changes = inputChanges(experiment, images, { stored, workdir: source });
  requireSameInputs(
    changes.filter(({ key }) => trainedWith.includes(key)),
    source,
  );
}

/**
 * Runs a specialization; writes its experiment file into its workdir.
 * @throws NasError `inputs-changed` when its supernet was trained with other images or files; all errors of `runExperiment`
 */
export async function runSpecialized(
  specializedRun: SpecializedRun,
  options: Pick<RunOptions, 'fresh' | 'signal' | 'workers' | 'queue' | 'report' | 'clock'>,
  observe: RunObserver,
): Promise<RunOutcome> {
  const { loaded, workdir } = specializedRun;
  await requireSameSource(specializedRun, observe, options.signal ?? never);
  const file = join(workdir, experimentFile);
  return runExperiment(loaded, { ...options, workdir }, (event) => {
    // The workdir exists after the data phase.
    if (event.kind === 'phase' && event.name !== 'data') writeFileAtomic(file, loaded.source);
    observe(event);
  });
}
