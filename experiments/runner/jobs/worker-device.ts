import { localDeviceOf } from '../../../latency-models/index.js';
import type { Job } from './jobs.js';

/** The tag of the workers that alone can do a job, as they are what it measures; null: any worker can. */
export const tagOf = (job: Job): string | null =>
  'device' in job && job.device.type === 'worker' ? job.device.tag : null;

/** A job as a worker does it: what it measures on is that worker's own machine. */
export function asDoneThere(job: Job): Job {
  if (!('device' in job) || job.device.type !== 'worker') return job;
  return { ...job, device: localDeviceOf(job.device) };
}
