import type { EpochMetrics } from '../../../trainers/index.js';
import type { TrainingContext } from '../context.js';
import type { RunObserver } from '../events.js';
import type { JobListener } from '../jobs/job-runner.js';
import { toEpoch } from '../jobs/training.js';

/** Tells how far a job is that counts. */
export const counting = (observe: RunObserver): JobListener => ({
  event: (event) => {
    if (event.kind !== 'count') return;
    observe({ kind: 'progress', phase: 'shrink', done: event.done, total: event.total, unit: event.what });
  },
});

/** Stores the curve of a fine-tuning and tells its progress. */
export function fineTuningOf(
  { store, observe }: TrainingContext,
  shrunk: number,
  batch: number,
): { readonly listener: JobListener; readonly keep: (metrics: EpochMetrics) => void } {
  const training = { stage: 'shrunk', shrunk } as const;
  const stored = new Set(store.curves.of(training).map(({ epoch }) => epoch));
  // After a restart, epochs are told again; and one that was checkpointed but not stored is in the result's curve.
  const keep = (metrics: EpochMetrics): void => {
    if (!stored.has(metrics.epoch)) store.curves.add(training, toEpoch(metrics));
    stored.add(metrics.epoch);
  };
  const listener: JobListener = {
    event: (event) => {
      switch (event.kind) {
        case 'epoch':
          keep(event.metrics);
          break;
        case 'progress': {
          const { epoch, epochs, step, steps, imagesPerSecond } = event.progress;
          const detail = `epoch ${epoch + 1}/${epochs}, ${Math.round(imagesPerSecond)} images/s`;
          const [done, total] = [epoch * steps + step, epochs * steps];
          const rate = imagesPerSecond / batch;
          observe({ kind: 'progress', phase: 'shrink', done, total, unit: 'steps', rate, detail });
          break;
        }
        case 'note':
          observe({ kind: 'note', message: event.message });
          break;
        case 'count':
          break;
      }
    },
    retry: (attempt, attempts, reason) => {
      const message = `the fine-tuning is started again (attempt ${attempt} of ${attempts}): ${reason}`;
      observe({ kind: 'note', message });
    },
  };
  return { listener, keep };
}
