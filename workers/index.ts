import type { JobQueue } from '../runner/job-runners.js';

const opening = () => import('./coordinator/open-runner.js');

/** Workers of other machines for `nas run`. The code of the queue is loaded when an experiment has a queue. */
export const jobQueue: JobQueue = {
  slots: async (config, modules) => (await opening()).requireQueue(config, modules),
  open: (config) => async (options, context) => (await opening()).queueWorkers(config)(options, context),
};
