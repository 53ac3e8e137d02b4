import { trainingExperimentOf } from '../stored/experiment.js';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { invalidInput, isInterruption, messageOf } from '../../base/errors.js';
import { canonicalJson } from '../../base/hash.js';
import type { ModelMetadata } from '../../deploy/index.js';
import type { Model } from '../../spaces/models/index.js';
import { lockWorkdir, Store, type ShrunkRecord } from '../../store/index.js';
import { fineTuningEpochs, unfoldBatchNorm, withDataset } from '../../trainers/index.js';
import { trainedModel, type TrainedModel } from '../exporting/trained-model.js';
import { locatingNowhere } from '../../experiments/parse/index.js';
import type { TrainingExperiment } from '../../experiments/schema/experiment.js';
import { databasePath, hasRun, shrunkFiles, shrunkFolder } from '../stored/workdir.js';
import { stopSignal } from '../stop.js';
import { CandidateNetworks } from '../candidate-networks.js';
import type { RecordedEnvironment } from '../engine.js';
import type { RunObserver } from '../events.js';
import { JobFailed } from '../jobs/job-runner.js';
import { localWorkers, type CreateJobRunner } from '../job-runners.js';
import type { TrainingPlan } from '../plan.js';
import { preparePlan } from '../prepare-plan.js';
import { writeReport, type DrawReport } from '../report.js';
import { begin, type SettledRequest, type ShrinkRequest } from './cut.js';
import { tune } from './tune.js';

export type ShrinkOutcome = { readonly state: 'complete'; readonly number: number } | { readonly state: 'interrupted' };

interface ShrinkOptions {
  /** Aborted: checkpoint and stop. */
  readonly signal?: AbortSignal;
  /** Cuts and trains; default: worker processes of this machine. */
  readonly workers?: CreateJobRunner;
  /** Draws the report of the run anew, into its workdir. Default: none. */
  readonly report?: DrawReport;
}

const never = new AbortController().signal;

/**
 * Cuts channels out of a trial's trained network until it meets a budget, and fine-tunes the rest with the whole network as
 * teacher. The result is stored in the run beside its trials. Called again after an interruption or a kill, it continues.
 *
 * @throws NasError `invalid-input` when the trial has no weights, is within the budget, or cannot be cut; `infeasible`
 *   when no cut meets the budget; `in-use` when the run is being run; `failure` when the fine-tuning fails
 */
export async function shrinkTrial(
  workdir: string,
  request: ShrinkRequest,
  options: ShrinkOptions,
  observe: RunObserver,
): Promise<ShrinkOutcome> {
  const path = resolve(workdir);
  if (!hasRun(path)) throw invalidInput(`${workdir}: there is no run here`, { hint: 'nas run <yaml> starts one.' });
  const lock = lockWorkdir(path);
  const { signal, end } = stopSignal(path, options.signal ?? never);
  try {
    const store = Store.open(databasePath(path));
    try {
      return await shrinkIn(store, path, request, { ...options, signal }, observe);
    } finally {
      store.close();
    }
  } finally {
    end();
    lock.release();
  }
}

async function shrinkIn(
  store: Store,
  workdir: string,
  request: ShrinkRequest,
  { signal = never, workers = localWorkers, report }: ShrinkOptions,
  observe: RunObserver,
): Promise<ShrinkOutcome> {
  const experiment: TrainingExperiment = { ...trainingExperimentOf(store, workdir), workers: { type: 'pool' } };
  const parent = await trainedModel(store, workdir, request.trial);
  const { threads, environment } = store.run.get();
  const plan = await preparePlan(experiment, {
    workdir,
    threads,
    fixedWorkers: true,
    fixedBatch: () => true,
    // `environmentOf` made it when the run began.
    before: environment as RecordedEnvironment,
    acceptEnvironment: true,
    locating: locatingNowhere,
    observe,
    signal,
  });
  if (plan.kind !== 'training') throw new Error('a run that trains was planned as one without training');
  const run = { plan, store, observe, stopping: () => signal.aborted, candidates: new CandidateNetworks(plan) };
  const jobs = await workers({ size: 1, retries: experiment.search.retries }, run);
  const context = { ...run, jobs };
  const stop = (): void => {
    observe({ kind: 'stopping', message: 'Stopping: the worker writes its checkpoint' });
    jobs.stop();
  };
  signal.addEventListener('abort', stop, { once: true });
  let record: ShrunkRecord | undefined;
  try {
    const settled = settle(plan, request);
    record = store.shrunk
      .all()
      .find((begun) => begun.state === 'running' && isRequested(begun, settled) && hasFiles(workdir, begun));
    if (record !== undefined)
      observe({ kind: 'note', message: `Shrunk network ${record.number} was begun and goes on` });
    record ??= await begin(context, await unfolded(plan, parent), settled);
    const { seed = experiment.seed, accuracy = {} } = parent.metadata;
    const metadata = shrunkMetadata(parent, request.trial);
    await tune(context, { record, seed, parent: parent.model.network, metadata, known: accuracy });
    await writeReport(store, workdir, report, observe);
    return { state: 'complete', number: record.number };
  } catch (error) {
    if (signal.aborted && isInterruption(error)) return { state: 'interrupted' };
    if (record !== undefined && error instanceof JobFailed)
      store.shrunk.finish(record.number, { state: 'failed', seconds: 0, message: messageOf(error) });
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    await jobs.close();
  }
}

/** A trained network whose batch norms have statistics: folding branches leaves none, and training needs them. */
const unfolded = ({ dataset }: TrainingPlan, { model, isBranched }: TrainedModel): Promise<Model> | Model =>
  isBranched === true ? withDataset(dataset, (open) => unfoldBatchNorm(model, open)) : model;

/** Whether the files of a begun network, which it continues from, exist. */
function hasFiles(workdir: string, { number }: ShrunkRecord): boolean {
  const { parent, cut } = shrunkFiles(join(workdir, shrunkFolder(number)));
  return existsSync(parent) && existsSync(cut);
}

function isRequested(record: ShrunkRecord, request: SettledRequest): boolean {
  const { parent, target, importance, multiple, epochs, latencies } = record;
  const begun = { trial: parent, target, importance, multiple, epochs, device: latencies?.on ?? null };
  return canonicalJson(begun) === canonicalJson(request);
}

/** The request with its defaults, which are the run's. */
function settle({ experiment, sources }: TrainingPlan, request: ShrinkRequest): SettledRequest {
  const { trial, target, importance, multiple, epochs = fineTuningEpochs(experiment.train) } = request;
  const own = experiment.latency.device;
  // A budget of MACs needs no latency; it is measured anyway where the run measures and the device can be reached from here.
  const reachable = own.type !== 'table' && own.type !== 'worker';
  const measured = target.objective === 'latency_ms' || (sources.has('latency') && reachable);
  const device = request.device ?? (measured ? own : null);
  return { trial, target, importance, multiple, epochs, device };
}

/** The metadata of a cut network's file: how to use it, without its place in the space. */
function shrunkMetadata({ metadata }: TrainedModel, trial: number): ModelMetadata {
  const { classes, task, layout, input, mean, std, preprocess, nas_version, created, experiment, seed } = metadata;
  const use = { classes, task, layout, input, mean, std, preprocess };
  return { ...use, nas_version, created, experiment, seed, shrunk_from: trial };
}
