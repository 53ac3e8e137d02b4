import { join } from 'node:path';
import type { Network } from '../../../spaces/index.js';
import { describeTraining, type Epoch, type Training, type TrialStage } from '../../../store/index.js';
import type {
  EpochMetrics,
  FitResult,
  InitialWeights,
  PreparedTeacher,
  QuantizeAware,
  TrainConfig,
} from '../../../trainers/index.js';
import type { TrainingContext, TrainingPlan } from '../plan.js';
import { trialFolder } from '../../stored/workdir.js';
import { JobFailed, type JobListener, type JobOrder } from './job-runner.js';
import type { TrainJob } from './jobs.js';
import { hostOf, recordAssignment } from '../../stored/workers.js';
import type { PhaseName } from '../events.js';

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
  /** What it is fine-tuned for with rounding; absent: nothing is rounded. */
  readonly quantizeAware?: QuantizeAware | undefined;
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
  const training: Training = { stage, trial: number };
  const { epochs } = request.train;
  const stored = new Set(store.curves.of(training).map(({ epoch }) => epoch));
  // After a restart, epochs are told again; and one that was checkpointed but not stored is in the result's curve.
  const record = (metrics: EpochMetrics) => {
    if (stored.has(metrics.epoch)) return;
    store.curves.add(training, toEpoch(metrics));
    stored.add(metrics.epoch);
  };
  let worker = 0;
  const begin = () => (stage === 'search' ? store.trials.start(number) : store.finals.start(number, stage));
  let made = begin();
  try {
    const submitted = jobs.submit(trainOrder(plan, request), {
      started: (by) => {
        worker = by.index;
        recordAssignment(store, training, made, by);
        observe({ kind: 'trial-started', worker, stage, number, fromEpoch: stored.size, ...hostOf(by) });
      },
      event: (event) => {
        switch (event.kind) {
          case 'epoch': {
            record(event.metrics);
            const { epoch, validation_accuracy: validationAccuracy, train_loss: trainLoss } = event.metrics;
            observe({ kind: 'trial-epoch', worker, stage, number, epoch, epochs, validationAccuracy, trainLoss });
            break;
          }
          case 'progress':
            observe({ kind: 'trial-step', worker, stage, number, ...event.progress });
            break;
          case 'note':
            store.events.add({ kind: 'note', trial: number, detail: { message: event.message } });
            observe({ kind: 'note', message: `trial ${number}: ${event.message}` });
            break;
          case 'count':
            break;
        }
      },
      retry: (attempt, attempts, message) => {
        made = begin();
        store.events.add({ kind: 'retried', trial: number, detail: { stage, attempt, message } });
        observe({ kind: 'trial-retried', stage, number, attempt, attempts, message });
      },
    });
    const result = await submitted.result;
    result.curve.forEach(record);
    return { result };
  } catch (error) {
    if (error instanceof JobFailed) return { failed: error.message };
    throw error;
  }
}

function trainOrder(plan: TrainingPlan, request: TrainingRequest): JobOrder<TrainJob> {
  const { stage, number, network, seed, train, teacher, initial, quantizeAware, until } = request;
  const { dataset, threads, experiment, workdir } = plan;
  const fit = {
    network,
    seed,
    train,
    dataset,
    teacher,
    engine: plan.engine,
    threads,
    sharedCores: experiment.search.parallel > 1,
    directory: join(workdir, trialFolder(stage, number)),
    initial,
    quantizeAware,
    until,
  };
  return {
    id: `train/${stage}/${number}/${until ?? train.epochs}`,
    job: { kind: 'train', fit },
    sharing: 'shared',
  };
}

/** An epoch as the store keeps it. */
const toEpoch = (metrics: EpochMetrics): Epoch => ({
  epoch: metrics.epoch,
  trainLoss: metrics.train_loss,
  trainAccuracy: metrics.train_accuracy,
  validationLoss: metrics.validation_loss,
  validationAccuracy: metrics.validation_accuracy,
  learningRate: metrics.learning_rate,
  seconds: metrics.seconds,
});

/** The training of a whole phase: its curve is stored and its progress told. */
interface PhaseTraining {
  readonly listener: JobListener;
  /** Stores an epoch unless it was: after a restart, epochs are told again. */
  readonly record: (metrics: EpochMetrics) => void;
}

/**
 * @param training whose curve it is
 * @param schedule images of one step, and epochs of the whole training
 */
export function phaseTraining(
  { store, observe }: TrainingContext,
  phase: PhaseName,
  training: Training,
  { batch, epochs }: Pick<TrainConfig, 'batch' | 'epochs'>,
): PhaseTraining {
  const stored = new Set(store.curves.of(training).map(({ epoch }) => epoch));
  const record = (metrics: EpochMetrics) => {
    if (stored.has(metrics.epoch)) return;
    const made = toEpoch(metrics);
    store.curves.add(training, made);
    stored.add(made.epoch);
    const { epoch, validationAccuracy, trainLoss } = made;
    observe({ kind: 'phase-epoch', phase, epoch, epochs, validationAccuracy, trainLoss });
  };
  let made = 1;
  const listener: JobListener = {
    started: (by) => {
      recordAssignment(store, training, made, by);
      if (by.host !== undefined)
        observe({ kind: 'note', message: `${describeTraining(training)} is the work of ${by.host}` });
    },
    event: (event) => {
      switch (event.kind) {
        case 'count':
          observe({ kind: 'progress', phase, done: event.done, total: event.total, unit: event.what });
          break;
        case 'progress': {
          const { epoch, step, steps, imagesPerSecond } = event.progress;
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
          observe({ kind: 'note', message: `${describeTraining(training)}: ${event.message}` });
          break;
      }
    },
    retry: (attempt, attempts, reason) => {
      made = attempt;
      const message = `${describeTraining(training)} goes on from its checkpoint (attempt ${attempt} of ${attempts}): ${reason}`;
      observe({ kind: 'note', message });
    },
  };
  return { listener, record };
}
