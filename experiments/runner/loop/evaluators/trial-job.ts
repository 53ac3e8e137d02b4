import { NasError } from '../../../../base/errors.js';
import type { TrainingContext } from '../../context.js';
import { JobFailed, type JobOrder } from '../../jobs/job-runner.js';
import type { Job, ResultOf } from '../../jobs/jobs.js';
import { hostOf, keepTaken } from '../../jobs/taken.js';

/**
 * Has a worker do the one job that evaluates a trial; tells and stores when it begins, and begins again. Interrupted: the
 * user stopped the run, and it is done when the run goes on.
 * @throws NasError when the error is not the trial's own.
 */
export async function trialJob<J extends Job>(
  { jobs, store, observe }: TrainingContext,
  number: number,
  order: JobOrder<J>,
): Promise<ResultOf<J> | { readonly failed: string } | { readonly interrupted: true }> {
  const begin = () => store.trials.start(number);
  let made = begin();
  const submitted = jobs.submit(order, {
    started: (by) => {
      keepTaken(store, { stage: 'search', trial: number }, made, by);
      observe({ kind: 'trial-started', worker: by.index, stage: 'search', number, fromEpoch: 0, ...hostOf(by) });
    },
    retry: (attempt, attempts, message) => {
      made = begin();
      store.events.add({ kind: 'retried', trial: number, detail: { stage: 'search', attempt, message } });
      observe({ kind: 'trial-retried', stage: 'search', number, attempt, attempts, message });
    },
  });
  try {
    return await submitted.result;
  } catch (error) {
    if (error instanceof JobFailed) return { failed: error.message };
    if (error instanceof NasError && error.code === 'interrupted') return { interrupted: true };
    throw error;
  }
}
