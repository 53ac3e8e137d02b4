import type { StoredValues } from './trial-values.js';

/** `waiting`: asked, not begun. `pruned`: rejected by a constraint or stopped early. `failed`: no values. */
export const trialStates = ['waiting', 'running', 'complete', 'pruned', 'failed'] as const;
export type TrialState = (typeof trialStates)[number];

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
  /** Why it was pruned or failed. */
  readonly message: string | null;
  /** How often its training was begun. */
  readonly attempts: number;
  readonly askedAt: number;
  /** When its training was begun first. */
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

/** A row of the view `trial_states`. */
export interface TrialRow extends Omit<TrialRecord, 'genotype' | 'choices' | 'pending' | keyof StoredValues> {
  readonly genotype: string;
  readonly choices: string;
  readonly pending: string;
}

const nothing: StoredValues = { values: {}, told: {} };

export function toTrial(row: TrialRow, values = nothing, parse: (json: string) => unknown): TrialRecord {
  // These columns hold what `Trials.ask` wrote, whose types these are.
  return {
    ...row,
    genotype: parse(row.genotype) as TrialRecord['genotype'],
    choices: parse(row.choices) as TrialRecord['choices'],
    pending: parse(row.pending) as TrialRecord['pending'],
    ...values,
  };
}
