import type { StoredPrecision } from './values.js';
import type { StoredPredictions } from './measurements.js';
import type { ObjectiveValues, StoredValues } from './trial-values.js';
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
  /** Seed of this trial's training. */
  readonly seed: number;
  /** The controller's one line on why. */
  readonly reason: string;
  /** Candidates rejected by cheap constraints before this one. */
  readonly rejected: number;
  /** Earlier trials whose results the controller could not use; all others it was told of. */
  readonly pending: readonly number[];
  /** Latency predicted when the trial was asked, in each precision that there was a predictor for. */
  readonly predictions?: StoredPredictions;
}

/** How a trial ended. */
export interface Outcome {
  readonly state: 'complete' | 'pruned' | 'failed';
  /** Why it was pruned or failed. */
  readonly message?: string;
  readonly values: ObjectiveValues;
  /** What the values are those of; absent: what was chosen before, or fp32. */
  readonly precision?: StoredPrecision;
}

/** A trial and where it stands. Times are in ms since 1970. */
export interface TrialRecord extends StoredValues {
  readonly number: number;
  readonly genotype: readonly number[];
  readonly genotypeId: string;
  readonly choices: Readonly<Record<string, string | number | boolean>>;
  readonly seed: number;
  readonly reason: string;
  readonly rejected: number;
  /** Earlier trials whose results the controller did not know when it was asked. */
  readonly pending: readonly number[];
  readonly state: TrialState;
  /** What it is judged in: `values` are those of its network in this precision. */
  readonly precision: StoredPrecision;
  /** Its network in each precision that was tried; none where only one ever is. */
  readonly variants: readonly VariantRecord[];
  /** Why it was pruned or failed. */
  readonly message: string | null;
  /** How often its training was begun. */
  readonly attempts: number;
  readonly askedAt: number;
  /** When its training was begun first. */
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

/** A row of the view `trial_states`. */
export interface TrialRow extends Omit<
  TrialRecord,
  'genotype' | 'choices' | 'pending' | 'variants' | keyof StoredValues
> {
  readonly genotype: string;
  readonly choices: string;
  readonly pending: string;
}

const nothing: StoredValues = { values: {}, observed: {} };

/** What the store knows of trials beside their rows. */
export interface TrialDetails {
  readonly values: StoredValues | undefined;
  readonly variants: readonly VariantRecord[] | undefined;
}

export function toTrial(
  row: TrialRow,
  { values = nothing, variants = [] }: TrialDetails,
  parse: (json: string) => unknown,
): TrialRecord {
  // These columns hold what `Trials.ask` wrote, whose types these are.
  return {
    ...row,
    genotype: parse(row.genotype) as TrialRecord['genotype'],
    choices: parse(row.choices) as TrialRecord['choices'],
    pending: parse(row.pending) as TrialRecord['pending'],
    variants,
    ...values,
  };
}

/** The states that trials can be in, with how many are. */
export type Progress = Readonly<Record<TrialRecord['state'], number>>;

/** Which trials are read, and in which order. */
export interface TrialQuery {
  /** Absent: all. */
  readonly states?: readonly TrialRecord['state'][];
  /** What was chosen; absent: either. */
  readonly precision?: StoredPrecision;
  /** By an objective's value, those without one last; absent: by number. */
  readonly sort?: { readonly objective: string; readonly descending: boolean };
  /** Trials that are passed over; default: 0. */
  readonly offset?: number;
  /** The most that are read; default: no limit. */
  readonly limit?: number;
}
