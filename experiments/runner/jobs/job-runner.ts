import { NasError, type ErrorDetails } from '../../../base/errors.js';
import type { Job, JobEvent, ResultOf } from './jobs.js';

/** Jobs that may run while others do, jobs that need the machine for themselves, and jobs whose work is elsewhere. */
export type Sharing = 'shared' | 'exclusive' | 'elsewhere';

/** A job as it is asked for. */
export interface JobOrder<J extends Job = Job> {
  /** Names the job within its run: the same job has the same id, also after the run was killed and resumed. */
  readonly id: string;
  readonly job: J;
  readonly sharing: Sharing;
  /**
   * Seconds that the job may go without a sign of progress (an event, a step) before its worker is given up; those in
   * which it stands still for another job do not count. Default: `patienceWith` the job.
   */
  readonly deadline?: number;
}

/** Who does a job. */
export interface JobWorker {
  /** Its place among the workers of the run, from 0. */
  readonly index: number;
  /** The machine, where it is another one. */
  readonly host?: string;
  /** Names what decides the bits of its results: machines of one group compute the same. */
  readonly group?: string;
}

/** What the owner of a job hears while it waits for the result. An error that it throws ends the job. */
export interface JobListener {
  /** A worker has taken the job. */
  started?(worker: JobWorker): void;
  event?(event: JobEvent): void;
  /** The worker died or was given up; attempt number `attempt` (the first was 1) of at most `attempts` begins. */
  retry?(attempt: number, attempts: number, reason: string): void;
}

/** A job that waits for its turn or runs. */
export interface SubmittedJob<R> {
  /**
   * What the job returns.
   * @throws JobFailed when the job itself failed, or its workers died; NasError `interrupted` when it was cancelled
   *   before it began, can give nothing yet, or was lost as the runner closed; any other NasError when no job could do
   *   better: a full disk, a data set that is damaged, workers that cannot be started.
   */
  readonly result: Promise<R>;
  /** Asks it to end soon: a training writes its checkpoint and gives an interrupted result. */
  cancel(): void;
}

/**
 * Runs jobs; whoever needs them done does not know where. Jobs of one sharing begin in the order in which they were
 * submitted. While an exclusive job runs, all shared ones stand still between two steps. A job whose worker dies or
 * makes no progress is started again, a few times.
 */
export interface JobRunner {
  submit<J extends Job>(order: JobOrder<J>, listener?: JobListener): SubmittedJob<ResultOf<J>>;
  /** Cancels every job, and every one that is submitted from now on. */
  stop(): void;
  /** Ends the workers; jobs that still run are lost. */
  close(): Promise<void>;
}

/** The job is to blame, or what it works on: other jobs may do well. */
export class JobFailed extends NasError {
  constructor(message: string, details?: ErrorDetails) {
    super('failure', message, details);
  }
}

/**
 * A worker ended before its job did: killed, crashed, out of memory, hung, or of no use any more without its device. The job
 * may be tried again.
 */
export class WorkerDied extends JobFailed {}

/** The files of a job cannot be written here: the disk is full, or closed to writing. No job could do better here. */
export class StorageFailure extends NasError {
  constructor(message: string, details?: ErrorDetails) {
    super('invalid-input', message, details);
  }
}

/** Seconds; generous, each for the longest part of a job that shows no progress, on a slow machine. */
const patience: Readonly<Record<Job['kind'], number>> = {
  /** Reading large data, compiling the step, or validation. */
  teacher: 1800,
  /** A program is compiled; after that, each batch is a sign. */
  initial: 900,
  train: 1800,
  supernet: 1800,
  member: 1800,
  /** A network is exported and opened: a driver may compile it. */
  measure: 900,
  /** The proxies of one network. */
  proxies: 900,
  /** A program of the user's that trains elsewhere may tell nothing meanwhile. */
  evaluate: 24 * 3600,
  /** A network is exported; after that, each batch is a sign. */
  export: 900,
  /** A network is exported and read; after that, each batch is a sign. */
  quantize: 900,
  /** One model of one layer is run. */
  integers: 900,
  /** A program is compiled; after that, each batch is a sign. */
  importance: 900,
};

/** An agent may have others' networks to measure first, and tells nothing meanwhile. */
const agentPatience = 12 * 3600;

/** Seconds for which a job is trusted to be at work although it shows nothing. */
export const patienceWith = (job: Job): number =>
  'device' in job && job.device.type === 'agent' ? agentPatience : patience[job.kind];
