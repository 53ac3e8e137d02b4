import type { TaskType } from '../base/task.js';
import type { Values } from '../search/index.js';
import type { Choice } from '../spaces/index.js';
import type { StoredPrecision, TrialStage } from '../store/index.js';
import type { HostShare } from './stored/workers.js';

/**
 * The parts of a run. `frontier` comes twice: its networks are measured before their final training and saved after it.
 * `shrink` and `tune` are commands of their own.
 */
export const phases = [
  'data',
  'budget',
  'weights',
  'teacher',
  'supernet',
  'calibration',
  'search',
  'final',
  'frontier',
  'shrink',
  'tune',
] as const;
export type PhaseName = (typeof phases)[number];

/** The progress of a phase: images converted, teacher steps, networks measured, trials finished. */
export interface ProgressEvent {
  readonly kind: 'progress';
  readonly phase: PhaseName;
  readonly done: number;
  readonly total: number;
  /** What `done` and `total` count, in the plural: `images`, `steps`, `trials`. */
  readonly unit: string;
  /** Units per second, when known. */
  readonly rate?: number;
  readonly etaSeconds?: number;
  /** Seconds that are left of the run's budget; absent: it has none. */
  readonly budgetSeconds?: number;
  readonly detail?: string;
}

interface EpochResult {
  /** Counted from 0. */
  readonly epoch: number;
  readonly epochs: number;
  readonly task: TaskType;
  /** The main score of the task; of a supernet, its largest network's. */
  readonly validationAccuracy: number;
  readonly trainLoss: number;
}

interface TrialTraining {
  readonly worker: number;
  readonly stage: TrialStage;
  readonly number: number;
}

/** One training step of one worker; sent at most a few times a second. */
export interface TrialStepEvent extends TrialTraining {
  readonly kind: 'trial-step';
  /** Counted from 0. */
  readonly epoch: number;
  readonly epochs: number;
  /** Steps done in this epoch. */
  readonly step: number;
  readonly steps: number;
  readonly imagesPerSecond: number;
  readonly loss: number;
}

export interface FrontierPoint {
  readonly number: number;
  /** Of the values; absent in runs of fp32 only. */
  readonly precision?: StoredPrecision;
  readonly values: Values;
}

export type RunEvent =
  /** The run is stored: it can be read, and goes on after a kill. */
  | { readonly kind: 'begun'; readonly workdir: string }
  /** A phase begins; the one before it is over. */
  | {
      readonly kind: 'phase';
      readonly name: PhaseName;
      /** A short sentence: `Training the teacher (ResNet, 6 epochs)`. */
      readonly message: string;
    }
  | ProgressEvent
  /** An epoch of a phase's own training (teacher, supernet; or of `nas shrink`) ended. */
  | (EpochResult & { readonly kind: 'phase-epoch'; readonly phase: PhaseName })
  /** The controller proposed a candidate. */
  | {
      readonly kind: 'trial-asked';
      readonly number: number;
      readonly genotypeId: string;
      /** The controller's one line on why. */
      readonly reason: string;
      /** Candidates rejected by cheap constraints before this one. */
      readonly rejected: number;
      readonly choices: Readonly<Record<string, Choice>>;
      /** How long the controller took, in ms. */
      readonly askMs: number;
    }
  /** A training worker began a trial; `fromEpoch` > 0 when it continues from a checkpoint. */
  | (TrialTraining & {
      readonly kind: 'trial-started';
      readonly fromEpoch: number;
      /** The machine of the worker; absent where the run's own processes train. */
      readonly host?: string;
    })
  | TrialStepEvent
  | (TrialTraining & EpochResult & { readonly kind: 'trial-epoch' })
  /** A trial was trained in part, and waits for the decision whether it continues. */
  | {
      readonly kind: 'trial-paused';
      readonly number: number;
      /** Epochs so far, and of a whole training. */
      readonly epochs: number;
      readonly of: number;
      /** Current objective values by name. */
      readonly values: Values;
    }
  /** A trial that was trained in part continues. */
  | {
      readonly kind: 'trial-promoted';
      readonly number: number;
      /** Total epochs at the end of this step. */
      readonly epochs: number;
      /** `rank 1 of 3 after 1 of 9 epochs`. */
      readonly reason: string;
    }
  | {
      readonly kind: 'trial-finished';
      readonly stage: TrialStage;
      readonly number: number;
      readonly state: 'complete' | 'pruned' | 'failed';
      /** Objective values by name; of the final stage, the final ones. */
      readonly values: Values;
      /** Of the values; absent in runs of fp32 only. */
      readonly precision?: StoredPrecision;
      /** Why it was pruned or failed. */
      readonly message?: string;
    }
  /** The worker of a trial died or failed; the trial is started again. */
  | {
      readonly kind: 'trial-retried';
      readonly stage: TrialStage;
      readonly number: number;
      /** The attempt that begins now; the first attempt is 1. */
      readonly attempt: number;
      readonly attempts: number;
      readonly message: string;
    }
  | {
      readonly kind: 'measured';
      readonly purpose: 'calibration' | 'trial' | 'frontier';
      /** Absent in runs of fp32 only. */
      readonly precision?: StoredPrecision;
      /** The trial, where there is one. */
      readonly number?: number;
      readonly ms: number;
      readonly interval: readonly [low: number, high: number];
      readonly converged: boolean;
      /** Where there was a predictor. */
      readonly predictedMs?: number;
    }
  /** The quality of the latency predictor on networks that it was not fitted to. */
  | {
      readonly kind: 'prediction-quality';
      /** Of the networks; absent in runs of fp32 only. */
      readonly precision?: StoredPrecision;
      /** Measurements that it is computed from: reliable ones where there are enough, else all. */
      readonly count: number;
      /** How many of them are not reliable. */
      readonly unreliable: number;
      /** Mean absolute percentage error, in percent. */
      readonly mape: number;
      /** Spearman's rank correlation, in [-1, 1]. */
      readonly spearman: number;
    }
  /** The Pareto frontier of the finished trials changed. */
  | {
      readonly kind: 'frontier';
      /** In the order in which they were found. */
      readonly members: readonly FrontierPoint[];
    }
  /** Something the user should know but need not act on. */
  | { readonly kind: 'note'; readonly message: string }
  /** Something that makes the result worse than the user may think. */
  | { readonly kind: 'warning'; readonly message: string }
  /** The user asked to stop; workers write their checkpoints. */
  | { readonly kind: 'stopping'; readonly message: string }
  /** The run is over; everything is in the workdir. */
  | {
      readonly kind: 'done';
      readonly state: 'complete' | 'interrupted';
      readonly workdir: string;
      readonly complete: number;
      readonly pruned: number;
      readonly failed: number;
      readonly seconds: number;
      /** Files that the run wrote, relative to the workdir: `frontier.svg`, `report.html`, ... */
      readonly files: readonly string[];
      /** Machines of the queue, the most trials first; absent where the run's own processes worked. */
      readonly hosts?: readonly HostShare[];
    };

/** Receives every event, in order, on the coordinator's thread; must not throw and must return at once. */
export type RunObserver = (event: RunEvent) => void;
