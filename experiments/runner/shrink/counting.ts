import type { RunObserver } from '../events.js';
import type { JobListener } from '../jobs/job-runner.js';

/** Tells how far a job is that counts. */
export const counting = (observe: RunObserver): JobListener => ({
  event: (event) => {
    if (event.kind !== 'count') return;
    observe({ kind: 'progress', phase: 'shrink', done: event.done, total: event.total, unit: event.what });
  },
});
