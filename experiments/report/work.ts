import type { Training } from '../../store/index.js';
import type { HostShare } from '../stored/workers.js';

/** A training that a worker of a queue took. */
export interface ReportTaking {
  readonly stage: Training['stage'];
  /** Counted from 1. */
  readonly attempt: number;
  readonly host: string;
  /** Names what decides the bits of its results; null where the worker told none. */
  readonly group: string | null;
  /** In seconds after the run's start. */
  readonly takenAfter: number;
  /** What became of it, for people; null: it is at work, as far as is known. */
  readonly ended: string | null;
}

/** Machines that compute the same bits. */
export interface ReportGroup {
  readonly group: string;
  /** What they have in common, for people; null where that was not told. */
  readonly text: string | null;
  /** Trainings that they took. */
  readonly taken: number;
}

/** A training that is in the hands of a worker. */
export interface TrainingAtWork {
  readonly training: Training;
  readonly host: string;
  readonly group: string | null;
  /** When it was taken, in ms since 1970. */
  readonly since: number;
}

/** Who works for a run, and who did, where not only the processes of its own machine do. */
export interface RunWorkers {
  /** Address of the queue that it works through; null: it does not now. */
  readonly queue: string | null;
  /** The most trials first. */
  readonly hosts: readonly HostShare[];
  /** The most trainings first; several: results may differ in the last bits from those of one. */
  readonly groups: readonly ReportGroup[];
  readonly now: readonly TrainingAtWork[];
  /** Trainings that wait for a worker. */
  readonly waiting: number;
}
