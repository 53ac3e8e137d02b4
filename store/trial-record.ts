import type { StoredPredictions } from './measurements.js';
import type { ObjectiveValues, StoredValues } from './trial-values.js';
import type { StoredPrecision } from './values.js';
import type { VariantRecord } from './variants.js';

/** `waiting`: asked, not begun. `pruned`: rejected by a constraint or stopped early. `failed`: no values. */
export const trialStates = ['waiting', 'running', 'complete', 'pruned', 'failed'] as const;
export type TrialState = (typeof trialStates)[number];

/** A trial as the controller proposed it. */
export interface NewTrial {
  readonly number: number;
  readonly genotype: readonly number[];
  readonly genotypeId: string;
  readonly choices: Readonly<Record<string, string | number | boolean>>;
  /** Plain data. */
  readonly network: unknown;
  readonly seed: number;
  /** The controller's one line on why. */
  readonly reason: string;
  /** Candidates rejected by cheap constraints before this one. */
  readonly rejected: number;
  /** Earlier trials whose results the controller did not know when it proposed this one. */
  readonly pending: readonly number[];
  /** Latency predicted when the trial was asked, in each precision with a predictor. */
  readonly predictions?: StoredPredictions;
}

export interface Outcome {
  readonly state: 'complete' | 'pruned' | 'failed';
  /** Why it was pruned or failed. */
  readonly message?: string;
  readonly values: ObjectiveValues;
  /** The precision of the values; absent: the one chosen before, or fp32. */
  readonly precision?: StoredPrecision;
}

/** A trial and where it stands. Times are in ms since 1970. */
export interface TrialRecord extends StoredValues, Omit<NewTrial, 'network' | 'predictions'> {
  readonly state: TrialState;
  /** The precision of `values`. */
  readonly precision: StoredPrecision;
  /** Its network in each precision that was tried; empty in runs of one precision. */
  readonly variants: readonly VariantRecord[];
  /** Why it was pruned or failed. */
  readonly message: string | null;
  readonly attempts: number;
  readonly askedAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

/** The values of a complete trial in a precision that may stand on the frontier. */
export interface CompleteValues {
  readonly number: number;
  readonly precision: StoredPrecision;
  readonly state: 'complete';
  readonly values: Readonly<Record<string, number>>;
}

export type Progress = Readonly<Record<TrialState, number>>;

export interface TrialQuery {
  /** Default: all. */
  readonly states?: readonly TrialState[];
  /** The chosen one; default: either. */
  readonly precision?: StoredPrecision;
  /** By an objective's value, trials without one last; default: by number. */
  readonly sort?: { readonly objective: string; readonly descending: boolean };
  /** Trials that are skipped; default: 0. */
  readonly offset?: number;
  /** Default: no limit. */
  readonly limit?: number;
}
