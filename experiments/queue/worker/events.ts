import type { JobEvent } from '../../runner/jobs/jobs.js';

/** A job of a worker, for people. */
export interface WorkerJob {
  readonly slot: number;
  /** Names the run in the registry. */
  readonly run: string;
  /** The job's id within the run: `train/search/12/10`. */
  readonly id: string;
  readonly kind: string;
}

/** How a worker's part in a job ended. */
export type JobEnd =
  | 'done'
  /** The job failed, or its process died; the run decides what comes of it. */
  | 'failed'
  /** The run wanted no more of it. */
  | 'cancelled'
  /** This worker stops; another goes on. */
  | 'given-back'
  /** The run's files cannot be reached; tried again later. */
  | 'postponed'
  /** It is another worker's now, as this one was cut off for too long, or nobody's. */
  | 'lost';

/** What a worker tells while it is at work. */
export type WorkerEvent =
  | { readonly kind: 'began'; readonly job: WorkerJob }
  | { readonly kind: 'told'; readonly job: WorkerJob; readonly event: JobEvent }
  | {
      readonly kind: 'ended';
      readonly job: WorkerJob;
      readonly end: JobEnd;
      readonly seconds: number;
      /** Why, when it is not done. */
      readonly message?: string;
    };
