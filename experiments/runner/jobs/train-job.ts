import { fit, type FitResult } from '../../../trainers/index.js';
import type { JobOf } from './jobs.js';
import type { JobContext } from './run-job.js';

/** Trains one network, from its checkpoint when there is one. */
export function trainJob({ fit: job }: JobOf<'train'>, { onEvent, signal, pause }: JobContext): Promise<FitResult> {
  return fit(job, {
    onEpoch: (metrics) => onEvent({ kind: 'epoch', metrics }),
    onProgress: (progress) => onEvent({ kind: 'progress', progress }),
    onNote: (message) => onEvent({ kind: 'note', message }),
    signal,
    pause,
  });
}
