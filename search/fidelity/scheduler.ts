import type { Objective, Values } from '../objective.js';

/** One piece of work: a trial is trained from where it stands until it has been trained for `epochs` in all. */
export interface Step {
  readonly trial: number;
  readonly epochs: number;
}

/** What a trial came to after some of its epochs. */
export interface RungResult extends Step {
  /** All objective values, as they are after these epochs. */
  readonly values: Values;
}

/** What a scheduler decides from. */
export interface Standing {
  /** Trials asked so far. */
  readonly asked: number;
  /** Whether another trial may be asked. */
  readonly mayAsk: boolean;
  /** Every step so far, in the order in which they were decided: the first of each trial begins it. */
  readonly steps: readonly Step[];
  /** Results that may be used, in the order of their steps. */
  readonly results: readonly RungResult[];
  /** Trials known to have ended: trained to their end, rejected, failed or stopped. */
  readonly ended: ReadonlySet<number>;
  /** Whether nothing more will become known without another step. */
  readonly settled: boolean;
}

/** What to do next; a stop takes no time. */
export type SchedulerDecision =
  | { readonly kind: 'ask' }
  | { readonly kind: 'promote'; readonly trial: number; readonly epochs: number; readonly reason: string }
  | { readonly kind: 'stop'; readonly trial: number; readonly reason: string };

/**
 * Decides how long each trial is trained: a function of what is known, so that a run that was killed decides again as it
 * did before. The search asks it whenever a worker is free.
 */
export interface Scheduler {
  /** Epochs of every trial's first step. */
  readonly first: number;
  /**
   * The next decision; undefined when more has to become known first, or nothing is left to do: every trial that was asked
   * has then ended.
   */
  decide(standing: Standing): SchedulerDecision | undefined;
}

/** What every scheduler is made from. */
export interface SchedulerInput {
  readonly objectives: readonly Objective[];
  /** Epochs of a whole training. */
  readonly epochs: number;
}
