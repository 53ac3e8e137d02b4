import { NasError, type ErrorDetails } from '../../base/errors.js';
import type { Job, JobEvent, ResultOf } from './jobs.js';

/**
 * How a job shares the machine: `shared` jobs run beside others, an `exclusive` one needs the machine for itself, and the
 * work of `elsewhere` jobs happens on another machine.
 */
export type Sharing = 'shared' | 'exclusive' | 'elsewhere';

export interface JobOrder<J extends Job = Job> {
  /** Names the job within its run; the same after the run was killed and resumed. */
  readonly id: string;
  readonly job: J;
  readonly sharing: Sharing;
  /**
   * Seconds without a sign of progress (an event, a step) after which its worker is given up. Time in which the job stands
   * still for another one does not count. Default: `patienceWith` the job.
   */
  readonly deadline?: number;
  /** Attempts whose worker died before the run was resumed; they count among the retries. Default: 0. */
  readonly deaths?: number;
}

export interface JobWorker {
  /** Its index among the workers of the run, from 0. */
  readonly index: number;
  /** The machine, where it is another one. */
  readonly host?: string;
  /** Machines of one group compute the same bits. */
  readonly group?: string;
}

/** Callbacks for the owner of a job. An error that one throws ends the job. */
export interface JobListener {
  started?(worker: JobWorker): void;
  event?(event: JobEvent): void;
  /** The worker died or was given up; attempt number `attempt` (the first was 1) of at most `attempts` begins. */
  retry?(attempt: number, attempts: number, reason: string): void;
}

export interface SubmittedJob<R> {
  /**
   * The result of the job.
   * @throws JobFailed when the job itself failed, or its workers died; NasError `interrupted` when it was cancelled before
   *   it began, has no partial result, or was lost as the runner closed; any other NasError when every job would fail: a
   *   full disk, a damaged data set, workers that cannot be started.
   */
  readonly result: Promise<R>;
  /** Asks it to end soon: a training writes its checkpoint and gives an interrupted result. */
  cancel(): void;
}

/**
 * Runs jobs, on this machine or elsewhere. Jobs of one sharing begin in the order in which they were submitted. While an
 * exclusive job runs, all shared ones stand still between two steps. A job whose worker dies or makes no progress is
 * started again, a few times.
 */
export interface JobRunner {
  submit<J extends Job>(order: JobOrder<J>, listener?: JobListener): SubmittedJob<ResultOf<J>>;
  stop(): void;
  /** Ends the workers; jobs that still run are lost. */
  close(): Promise<void>;
}

/** The job or its input is at fault: other jobs may succeed. */
export class JobFailed extends NasError {
  constructor(message: string, details?: ErrorDetails) {
    super('failure', message, details);
  }
}

/** A worker ended before its job did: killed, crashed, out of memory, hung, or without its device. A retry may succeed. */
export class WorkerDied extends JobFailed {}

/** The files of a job cannot be written here: the disk is full, or closed to writing. Every job would fail. */
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
  /** A program of the user's that trains elsewhere may show nothing meanwhile. */
  evaluate: 24 * 3600,
  /** A network is exported; after that, each batch is a sign. */
  export: 900,
  /** A network is exported and read; after that, each batch is a sign. */
  quantize: 900,
  integers: 900,
  /** A program is compiled; QEMU then has 600 s. */
  instructions: 900,
};

/** An agent may measure other users' networks first, and shows nothing meanwhile. */
const agentPatience = 12 * 3600;

/** The default deadline of a job, in seconds. */
export const patienceWith = (job: Job): number =>
  'device' in job && job.device.type === 'agent' ? agentPatience : patience[job.kind];
