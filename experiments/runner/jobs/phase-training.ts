import { describeTraining, type Training } from '../../../store/index.js';
import type { EpochMetrics, TrainConfig } from '../../../trainers/index.js';
import type { TrainingContext } from '../context.js';
import type { PhaseName } from '../events.js';
import type { JobListener } from './job-runner.js';
import { keepTaken } from './taken.js';
import { toEpoch } from './training.js';

/** The training of a whole phase: its curve is stored and its progress told. */
export interface PhaseTraining {
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
      keepTaken(store, training, made, by);
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
