import type { Details } from '../../base/scores.js';
import { join } from 'node:path';
import type { Network } from '../../spaces/index.js';
import {
  type ClassResult,
  describeTraining,
  type Epoch,
  type Store,
  type Training,
  type TrialStage,
} from '../../store/index.js';
import type { EpochMetrics, FitResult, InitialWeights, PreparedTeacher, TrainConfig } from '../../trainers/index.js';
import { taskOf } from '../../experiments/schema/measures.js';
import { trialFolder } from '../stored/workdir.js';
import { hostOf, recordAssignment } from '../stored/workers.js';
import type { PhaseName } from '../events.js';
import type { TrainingContext, TrainingPlan } from '../plan.js';
import { JobFailed, type JobListener, type JobOrder, type JobWorker } from '../jobs/job-runner.js';
import type { Job, ResultOf, TrainJob } from '../jobs/jobs.js';

/** A network to train as a member of the search or of the frontier. */
interface TrainingRequest {
  readonly stage: TrialStage;
  readonly number: number;
  readonly network: Network;
  readonly seed: number;
  readonly train: TrainConfig;
  readonly teacher: PreparedTeacher | null;
  /** Weights to start from; absent: random ones. */
  readonly initial?: InitialWeights | undefined;
  /** Epochs after which it pauses; default: all of `train.epochs`. */
  readonly until?: number;
}

/** How a training ended: with a result, or with why there is none. */
type TrainingOutcome = { readonly result: FitResult } | { readonly failed: string };

/**
 * Trains in a worker, continuing from a checkpoint when there is one, and stores its curve.
 * @throws NasError when the error is not the trial's own: a full disk, an unknown provider.
 */
export async function train(context: TrainingContext, request: TrainingRequest): Promise<TrainingOutcome> {
  const { plan, jobs, store, observe } = context;
  const { stage, number } = request;
  const { epochs } = request.train;
  const task = taskOf(plan.experiment.data);
  const curve = recordedCurve(context, { stage, trial: number });
  const order = trainOrder(plan, request);
  const attempts = trialAttempts(context, { stage, number, job: order.id });
  let worker = 0;
  try {
    const submitted = jobs.submit(withDeaths(store, order, number), {
      started: (by) => {
        worker = by.index;
        attempts.started(by, curve.size);
      },
      event: (event) => {
        switch (event.kind) {
          case 'epoch': {
            curve.record(event.metrics);
            const { epoch, validation_accuracy: validationAccuracy, train_loss: trainLoss } = event.metrics;
            observe({ kind: 'trial-epoch', worker, stage, number, task, epoch, epochs, validationAccuracy, trainLoss });
            break;
          }
          case 'progress':
            observe({ kind: 'trial-step', worker, stage, number, ...event.progress });
            break;
          case 'note':
            store.events.add({ kind: 'note', trial: number, detail: { message: event.message } });
            observe({ kind: 'note', message: `trial ${number}: ${event.message}` });
            break;
        }
      },
      retry: attempts.retry,
    });
    const result = await submitted.result;
    result.curve.forEach(curve.record);
    if (stage === 'search' && result.state === 'complete')
      recordClasses(context, number, { stage, precision: 'fp32', split: 'validation' }, result.details);
    return { result };
  } catch (error) {
    if (error instanceof JobFailed) return { failed: error.message };
    throw error;
  }
}

function trainOrder(plan: TrainingPlan, request: TrainingRequest): JobOrder<TrainJob> {
  const { stage, number, ...fit } = request;
  const { dataset, engine, threads, experiment, workdir } = plan;
  const sharedCores = experiment.search.parallel > 1;
  const directory = join(workdir, trialFolder(stage, number));
  return {
    id: `train/${stage}/${number}/${request.until ?? request.train.epochs}`,
    job: { kind: 'train', fit: { ...fit, dataset, engine, threads, sharedCores, directory } },
    sharing: 'shared',
  };
}

/** Stores a network's results by output, where they are known. */
export function recordClasses(
  { store, plan }: TrainingContext,
  trial: number,
  of: Pick<ClassResult, 'stage' | 'precision' | 'split'>,
  details: Details,
): void {
  store.classResults.add(trial, { ...of, classes: plan.data.classes, details });
}

interface RecordedCurve {
  readonly size: number;
  /** Stores an epoch unless it is stored: after a restart, a worker reports epochs again. */
  readonly record: (metrics: EpochMetrics) => Epoch | undefined;
}

function recordedCurve({ store }: TrainingContext, training: Training): RecordedCurve {
  const stored = new Set(store.curves.of(training).map(({ epoch }) => epoch));
  return {
    get size() {
      return stored.size;
    },
    record: (metrics) => {
      if (stored.has(metrics.epoch)) return undefined;
      const epoch = toEpoch(metrics);
      store.curves.add(training, epoch);
      stored.add(epoch.epoch);
      return epoch;
    },
  };
}

const toEpoch = (metrics: EpochMetrics): Epoch => ({
  epoch: metrics.epoch,
  trainLoss: metrics.train_loss,
  trainAccuracy: metrics.train_accuracy,
  validationLoss: metrics.validation_loss,
  validationAccuracy: metrics.validation_accuracy,
  metrics: metrics.metrics,
  learningRate: metrics.learning_rate,
  seconds: metrics.seconds,
});

/** A job of a trial. */
interface TrialJob {
  readonly stage: TrialStage;
  readonly number: number;
  /** Its id. */
  readonly job: string;
}

export function trialAttempts(context: TrainingContext, trialJob: TrialJob) {
  const { store, observe, plan } = context;
  const { stage, number } = trialJob;
  // Final trainings are submitted at once, and wait for a worker; of a queue, their state says so.
  const waits = stage !== 'search' && plan.experiment.workers.type === 'pool';
  const begin = () => (stage === 'search' ? store.trials.start(number) : store.finals.start(number));
  const recordRetry = retryRecorder(context, trialJob);
  let made = waits ? null : begin();
  return {
    started: (worker: JobWorker, fromEpoch = 0) => {
      made ??= begin();
      recordAssignment(store, { stage, trial: number }, made, worker);
      observe({ kind: 'trial-started', worker: worker.index, stage, number, fromEpoch, ...hostOf(worker) });
    },
    retry: (attempt: number, attempts: number, message: string) => {
      made = waits ? null : begin();
      recordRetry(attempt, attempts, message);
    },
  };
}

/** Detail of an event of the kind `retried`. */
interface Retried {
  /** Of the trial; absent for jobs of the whole run. */
  readonly stage?: TrialStage;
  readonly attempt: number;
  readonly message: string;
  readonly job: string;
}

export const retryRecorder =
  ({ store, observe }: TrainingContext, { stage, number, job }: TrialJob) =>
  (attempt: number, attempts: number, message: string): void => {
    const detail: Retried = { stage, attempt, message, job };
    store.events.add({ kind: 'retried', trial: number, detail });
    observe({ kind: 'trial-retried', stage, number, attempt, attempts, message });
  };

/** Retries of one trial, or of the run, that are looked at. */
const maxRetries = 1000;

/**
 * The order of a job with the number of workers that died on it before the run was resumed. The last stored retry has that
 * number.
 */
export function withDeaths<J extends Job>({ events }: Store, order: JobOrder<J>, trial?: number): JobOrder<J> {
  const retries = events.last(['retried'], maxRetries, trial).map(({ detail }) => detail as Retried);
  const last = retries.find(({ job }) => job === order.id);
  return last === undefined ? order : { ...order, deaths: last.attempt - 1 };
}

/**
 * The result of a job that is not the evaluation or the training of a trial. Workers that die on it count over all resumes of
 * the run.
 */
export function resultOfPart<J extends Job>(
  { jobs, store, observe }: TrainingContext,
  order: JobOrder<J>,
  listener: JobListener = {},
): Promise<ResultOf<J>> {
  const retry = (attempt: number, attempts: number, message: string): void => {
    store.events.add({ kind: 'retried', detail: { attempt, message, job: order.id } satisfies Retried });
    if (listener.retry !== undefined) listener.retry(attempt, attempts, message);
    else
      observe({ kind: 'note', message: `${order.id} is done again (attempt ${attempt} of ${attempts}): ${message}` });
  };
  return jobs.submit(withDeaths(store, order), { ...listener, retry }).result;
}

/** The training of a whole phase: teacher or supernet. */
interface PhaseTraining {
  /** Stores its curve and reports its progress. */
  readonly listener: JobListener;
  /** Stores and reports an epoch unless it is stored. */
  readonly record: (metrics: EpochMetrics) => void;
}

/**
 * @param training whose curve it is
 * @param schedule images of one step, and epochs of the whole training
 */
export function phaseTraining(
  context: TrainingContext,
  phase: PhaseName,
  training: Training,
  { batch, epochs: planned }: Pick<TrainConfig, 'batch' | 'epochs'>,
): PhaseTraining {
  let epochs = planned;
  const { plan, store, observe } = context;
  const name = describeTraining(training);
  const curve = recordedCurve(context, training);
  const record = (metrics: EpochMetrics) => {
    const recorded = curve.record(metrics);
    if (recorded === undefined) return;
    const { epoch, validationAccuracy, trainLoss } = recorded;
    const task = taskOf(plan.experiment.data);
    observe({ kind: 'phase-epoch', phase, task, epoch, epochs, validationAccuracy, trainLoss });
  };
  let made = 1;
  const listener: JobListener = {
    started: (worker) => {
      recordAssignment(store, training, made, worker);
      if (worker.host !== undefined) observe({ kind: 'note', message: `${name} is the work of ${worker.host}` });
    },
    event: (event) => {
      switch (event.kind) {
        case 'count':
          observe({ kind: 'progress', phase, done: event.done, total: event.total, unit: event.what });
          break;
        case 'progress': {
          const { epoch, step, steps, imagesPerSecond } = event.progress;
          // A teacher with minutes has chosen them by now.
          ({ epochs } = event.progress);
          const detail = `epoch ${epoch + 1}/${epochs}, ${Math.round(imagesPerSecond)} images/s`;
          const [done, total] = [epoch * steps + step, epochs * steps];
          const rate = imagesPerSecond / batch;
          observe({ kind: 'progress', phase, done, total, unit: 'steps', rate, detail });
          break;
        }
        case 'epoch':
          record(event.metrics);
          break;
        case 'note':
          observe({ kind: 'note', message: `${name}: ${event.message}` });
          break;
      }
    },
    retry: (attempt, attempts, reason) => {
      made = attempt;
      const message = `${name} goes on from its checkpoint (attempt ${attempt} of ${attempts}): ${reason}`;
      observe({ kind: 'note', message });
    },
  };
  return { listener, record };
}
