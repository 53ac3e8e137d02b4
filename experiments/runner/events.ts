import type { Values } from '../../search/index.js';
import type { Choice } from '../../spaces/index.js';
import type { StoredPrecision, TrialStage } from '../../store/index.js';
import type { HostShare } from '../stored/workers.js';

/**
 * The parts of a run; the frontier's comes twice: its networks are measured before their final training and saved after
 * it. Shrinking a network is a part by itself.
 */
export const phases = [
  'data',
  'weights',
  'teacher',
  'supernet',
  'calibration',
  'search',
  'final',
  'frontier',
  'shrink',
] as const;
export type PhaseName = (typeof phases)[number];

/** A phase begins; the one before it is over. */
export interface PhaseEvent {
  readonly kind: 'phase';
  readonly name: PhaseName;
  /** What happens now, as a short sentence: `Training the teacher (ResNet, 6 epochs)`. */
  readonly message: string;
}

/** How far a phase is: images converted, teacher steps, networks measured, trials finished. */
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
  readonly detail?: string;
}

/** An epoch of a training that a whole phase is for ended. */
export interface PhaseEpochEvent {
  readonly kind: 'phase-epoch';
  readonly phase: PhaseName;
  /** Counted from 0. */
  readonly epoch: number;
  readonly epochs: number;
  /** In [0, 1]; of a supernet, its largest network's. */
  readonly validationAccuracy: number;
  readonly trainLoss: number;
}

/** The controller proposed a candidate. */
export interface TrialAskedEvent {
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

/** A training worker took a trial; `fromEpoch` > 0 when it continues from a checkpoint. */
export interface TrialStartedEvent {
  readonly kind: 'trial-started';
  readonly worker: number;
  readonly stage: TrialStage;
  readonly number: number;
  readonly fromEpoch: number;
  /** The machine of the worker; absent where the run's own processes train. */
  readonly host?: string;
}

/** One training step of one worker; sent at most a few times a second. */
export interface TrialStepEvent {
  readonly kind: 'trial-step';
  readonly worker: number;
  readonly stage: TrialStage;
  readonly number: number;
  /** Counted from 0. */
  readonly epoch: number;
  readonly epochs: number;
  /** Steps done in this epoch. */
  readonly step: number;
  readonly steps: number;
  readonly imagesPerSecond: number;
  readonly loss: number;
}

/** An epoch ended. */
export interface TrialEpochEvent {
  readonly kind: 'trial-epoch';
  readonly worker: number;
  readonly stage: TrialStage;
  readonly number: number;
  /** Counted from 0. */
  readonly epoch: number;
  readonly epochs: number;
  /** In [0, 1]. */
  readonly validationAccuracy: number;
  readonly trainLoss: number;
}

/** A trial was trained in part, and waits for the decision whether it goes on. */
export interface TrialPausedEvent {
  readonly kind: 'trial-paused';
  readonly number: number;
  /** Epochs that it was trained for, and those of a whole training. */
  readonly epochs: number;
  readonly of: number;
  /** Objective values by name, as they are now. */
  readonly values: Values;
}

/** A trial that was trained in part goes on. */
export interface TrialPromotedEvent {
  readonly kind: 'trial-promoted';
  readonly number: number;
  /** Epochs that it will have been trained for. */
  readonly epochs: number;
  /** What speaks for it: `rank 1 of 3 after 1 of 9 epochs`. */
  readonly reason: string;
}

/** A trial has its result. */
export interface TrialFinishedEvent {
  readonly kind: 'trial-finished';
  readonly stage: TrialStage;
  readonly number: number;
  readonly state: 'complete' | 'pruned' | 'failed';
  /** Objective values by name; of the final stage, the final ones. */
  readonly values: Values;
  /** What the values are those of; absent in runs that know fp32 only. */
  readonly precision?: StoredPrecision;
  /** Why it was pruned or failed. */
  readonly message?: string;
}

/** The worker of a trial died or failed; the trial is started again. */
export interface TrialRetriedEvent {
  readonly kind: 'trial-retried';
  readonly stage: TrialStage;
  readonly number: number;
  /** The attempt that begins now; the first attempt is 1. */
  readonly attempt: number;
  readonly attempts: number;
  readonly message: string;
}

/** A latency was measured on the device. */
export interface MeasuredEvent {
  readonly kind: 'measured';
  /** What the network is measured for. */
  readonly purpose: 'calibration' | 'trial' | 'frontier';
  /** What it was measured in; absent in runs that know fp32 only. */
  readonly precision?: StoredPrecision;
  /** The trial, where there is one. */
  readonly number?: number;
  readonly ms: number;
  readonly interval: readonly [low: number, high: number];
  readonly converged: boolean;
  /** What the predictor had said, when there was one. */
  readonly predictedMs?: number;
}

/** How well the latency predictor does on networks that it was not fitted to. */
export interface PredictionQualityEvent {
  readonly kind: 'prediction-quality';
  /** Of the networks; absent in runs that know fp32 only. */
  readonly precision?: StoredPrecision;
  readonly count: number;
  /** Mean absolute percentage error, in percent. */
  readonly mape: number;
  /** Spearman's rank correlation, in [-1, 1]. */
  readonly spearman: number;
}

/** A member of the current frontier. */
export interface FrontierPoint {
  readonly number: number;
  /** What the values are those of; absent in runs that know fp32 only. */
  readonly precision?: StoredPrecision;
  readonly values: Values;
}

/** The Pareto frontier of the finished trials changed. */
export interface FrontierEvent {
  readonly kind: 'frontier';
  /** In the order in which they were found. */
  readonly members: readonly FrontierPoint[];
}

/** Something the user should know but need not act on. */
export interface NoteEvent {
  readonly kind: 'note';
  readonly message: string;
}

/** Something that makes the result worse than the user may think. */
export interface WarningEvent {
  readonly kind: 'warning';
  readonly message: string;
}

/** The user asked to stop; workers write their checkpoints. */
export interface StoppingEvent {
  readonly kind: 'stopping';
  readonly message: string;
}

/** The run is over; everything is in the workdir. */
export interface DoneEvent {
  readonly kind: 'done';
  readonly state: 'complete' | 'interrupted';
  readonly workdir: string;
  readonly complete: number;
  readonly pruned: number;
  readonly failed: number;
  readonly seconds: number;
  /** Files that the run wrote, relative to the workdir: `frontier.svg`, `report.html`, ... */
  readonly files: readonly string[];
  /** Who worked, the most trials first; absent where the run's own processes did. */
  readonly hosts?: readonly HostShare[];
}

/** Everything that a run tells while it goes, as plain values. */
export type RunEvent =
  | PhaseEvent
  | ProgressEvent
  | PhaseEpochEvent
  | TrialAskedEvent
  | TrialStartedEvent
  | TrialStepEvent
  | TrialEpochEvent
  | TrialPausedEvent
  | TrialPromotedEvent
  | TrialFinishedEvent
  | TrialRetriedEvent
  | MeasuredEvent
  | PredictionQualityEvent
  | FrontierEvent
  | NoteEvent
  | WarningEvent
  | StoppingEvent
  | DoneEvent;

/** Told of every event, in order, on the coordinator's thread; must not throw and must return at once. */
export type RunObserver = (event: RunEvent) => void;
