import type { JobListener, JobOrder, Sharing } from '../../runner/jobs/job-runner.js';
import type { Job, ResultOf } from '../../runner/jobs/jobs.js';
import type { Workshop } from './workshop.js';

/** Kinds of job that need the machine for themselves. */
const exclusive: ReadonlySet<Job['kind']> = new Set(['measure', 'integers']);

/**
 * Has a job done by this machine's processes: alone on the machine where it must be, else when nobody measures there.
 * @param signal aborted when the job is to end
 * @throws what the job throws, or WorkerDied
 */
export async function perform(
  { id, job, deadline }: Pick<JobOrder, 'id' | 'job' | 'deadline'>,
  shop: Pick<Workshop, 'slots' | 'pool' | 'alone' | 'undisturbed'>,
  signal: AbortSignal,
  listener: JobListener,
): Promise<ResultOf<Job>> {
  const isAlone = exclusive.has(job.kind);
  const sharing: Sharing = isAlone ? 'exclusive' : 'shared';
  const submit = async (): Promise<ResultOf<Job>> => {
    const submitted = shop.pool.submit({ id, job: fitted(job, shop.slots), sharing, deadline }, listener);
    const cancel = (): void => submitted.cancel();
    if (signal.aborted) cancel();
    signal.addEventListener('abort', cancel);
    try {
      return await submitted.result;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  };
  if (isAlone) return shop.alone(submit, signal);
  await shop.undisturbed();
  return submit();
}

/** A job as this worker runs it: trainings beside others leave the cores to them when they wait. */
const fitted = (job: Job, slots: number): Job =>
  job.kind === 'train' ? { ...job, fit: { ...job.fit, sharedCores: slots > 1 } } : job;
