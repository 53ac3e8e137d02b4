import { basename, dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { invalidInput } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import type { DeviceConfig } from '../latency-models/index.js';
import type { Objective } from '../search/index.js';
import { Store } from '../store/index.js';
import { isAccuracy } from './schema/measures.js';
import { parseExperiment, type LoadedExperiment } from './parse/index.js';
import { isMap } from './parse/problem.js';
import type { RunObserver } from './runner/events.js';
import { runExperiment, type RunOptions, type RunOutcome } from './runner/index.js';
import { trainedSupernet } from './runner/supernet.js';
import { databasePath } from './stored/workdir.js';
import type { TrainingExperiment } from './schema/experiment.js';
import { trainingExperimentOf } from './schema/run-experiment.js';

/** What a finished supernet is to be searched for anew. */
export interface Specialization {
  /** Hard limit in ms for one batch. */
  readonly latencyMs: number;
  /** What latency is measured on; default: the run's own device. */
  readonly device?: DeviceConfig | undefined;
  /** Networks to evaluate. */
  readonly trials: number;
  /** Epochs for which the frontier's networks are trained in the end; default: none, they stay slices. */
  readonly epochs?: number | undefined;
  /** Folder of the new run; default: beside the old one, named by budget and device. */
  readonly workdir?: string | undefined;
}

type Written = Readonly<Record<string, unknown>>;

const without = (value: unknown, ...keys: readonly string[]): Written =>
  isMap(value) ? Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key))) : {};

/** Accuracy and latency, then whatever else was asked for; bounds of accuracies and latencies were for another search. */
function objectivesOf({ objectives }: TrainingExperiment): readonly (string | Objective)[] {
  return ['accuracy', 'latency_ms', ...objectives.filter(({ name }) => !isAccuracy(name) && name !== 'latency_ms')];
}

/** A predictor that was fitted to one device says nothing of another. */
const latencyOf = (written: unknown, { device, latencyMs }: Specialization): Written => {
  const { predictor, ...kept } = without(written, 'device', 'budget_ms');
  const isModel = isMap(predictor) || (typeof predictor === 'string' && predictor.endsWith('.json'));
  const own = isMap(written) && device === undefined ? { device: written['device'] } : { device };
  return {
    ...kept,
    ...(predictor !== undefined && (device === undefined || !isModel) && { predictor }),
    ...(own.device !== undefined && own),
    budget_ms: latencyMs,
  };
};

/**
 * The experiment that searches the supernet of a run for another budget or device, as it is written.
 * @param source workdir of the run with the supernet
 * @param written what its user wrote
 */
export function specialized(
  source: string,
  written: Written,
  experiment: TrainingExperiment,
  wanted: Specialization,
): Written {
  const { device, latencyMs, trials, epochs } = wanted;
  // Which precision pays is for the device to say; a table tells of one.
  const isTable = (device ?? experiment.latency.device).type === 'table';
  const rounding = isTable ? ['quantize_aware'] : [];
  const name = [experiment.name, ...(device === undefined ? [] : [device.type]), `${latencyMs}ms`].join('-');
  const search = without(written['search'], 'stop', 'fidelity', 'filter', 'features', 'enqueue', 'seed_from');
  // Nothing is trained then, and nobody taught.
  const learning =
    epochs === undefined
      ? { train: without(written['train'], 'from', 'loss', ...rounding), final: 'none' }
      : {
          ...('teacher' in written && { teacher: written['teacher'] }),
          train: without(written['train'], 'from', ...rounding),
          final: { ...without(written['final'], 'from', ...rounding), epochs },
        };
  return {
    name,
    seed: experiment.seed,
    data: written['data'],
    space: written['space'],
    ...learning,
    supernet: { from: source },
    ...('compress' in written && !isTable && { compress: written['compress'] }),
    latency: latencyOf(written['latency'], wanted),
    objectives: objectivesOf(experiment),
    search: { ...search, evaluate: 'supernet', trials },
    ...('engine' in written && { engine: written['engine'] }),
    ...('workers' in written && { workers: written['workers'] }),
  };
}

/** The experiment of a specialization, and where its run goes. */
export interface SpecializedRun {
  readonly loaded: LoadedExperiment;
  readonly workdir: string;
}

export const experimentFile = 'experiment.yaml';

/**
 * Makes of a run with a finished supernet the experiment that searches it for another budget or device.
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
  return { loaded: parseExperiment(file, comment + stringify(derived)), workdir: target };
}

function runOf(workdir: string): { readonly written: Written; readonly experiment: TrainingExperiment } {
  const store = Store.open(databasePath(workdir), { readonly: true });
  try {
    const experiment = trainingExperimentOf(store, workdir);
    // Stored when the run began.
    const [{ detail }] = store.events.of('created');
    const { written } = detail as { readonly written: Written };
    return { written, experiment };
  } finally {
    store.close();
  }
}

/** Runs it as any run; its experiment file lies in its folder, from when the run begins. */
export function runSpecialized(
  { loaded, workdir }: SpecializedRun,
  options: Pick<RunOptions, 'fresh' | 'signal' | 'workers' | 'report'>,
  observe: RunObserver,
): Promise<RunOutcome> {
  const file = join(workdir, experimentFile);
  return runExperiment(loaded, { ...options, workdir }, (event) => {
    // Only data is looked at before a run is there.
    if (event.kind === 'phase' && event.name !== 'data') writeFileAtomic(file, loaded.source);
    observe(event);
  });
}
