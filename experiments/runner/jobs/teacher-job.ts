import { prepareTeacher, type PreparedTeacher } from '../../../trainers/index.js';
import type { JobOf } from './jobs.js';
import type { JobContext } from './run-job.js';

/** Trains or loads the teacher and computes what it says of every training image. */
export function teacherJob(
  { config, options }: JobOf<'teacher'>,
  { onEvent, signal, pause }: JobContext,
): Promise<PreparedTeacher | null> {
  return prepareTeacher(config, {
    ...options,
    hooks: {
      onEpoch: (metrics) => onEvent({ kind: 'epoch', metrics }),
      onProgress: (progress) => onEvent({ kind: 'progress', progress }),
      onNote: (message) => onEvent({ kind: 'note', message }),
      onLogits: (done, total) => onEvent({ kind: 'count', done, total, what: 'images' }),
      signal,
      pause,
    },
  });
}
