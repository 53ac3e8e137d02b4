import { exportJob } from '../finishing/export-job.js';
import type { Job, JobEvent, ResultOf } from './jobs.js';
import { measureJob } from '../latency/measure-job.js';
import { proxiesJob } from './proxies-job.js';
import { teacherJob } from './teacher-job.js';
import { trainJob } from './train-job.js';

/** What a job may do besides returning its result. */
export interface JobContext {
  readonly onEvent: (event: JobEvent) => void;
  /** Aborted when the job should write a checkpoint and end. */
  readonly signal: AbortSignal;
  /** To be awaited between steps; resolves at once unless the machine is needed for a measurement. */
  readonly pause: () => Promise<void>;
}

/** Runs a job in this process. */
export function runJob(job: Job, context: JobContext): Promise<ResultOf<Job>> {
  switch (job.kind) {
    case 'teacher':
      return teacherJob(job, context);
    case 'train':
      return trainJob(job, context);
    case 'measure':
      return measureJob(job, context);
    case 'proxies':
      return proxiesJob(job, context);
    case 'export':
      return exportJob(job);
  }
}
