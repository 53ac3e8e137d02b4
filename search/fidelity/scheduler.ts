import type { Objective, Values } from '../objective.js';

/** One piece of work: a trial is trained on until it has had `epochs` in all. */
export interface Step {
  readonly trial: number;
  readonly epochs: number;
}

/** All objective values of a trial after some of its epochs. */
export interface RungResult extends Step {
  readonly values: Values;
}

export interface SchedulerState {
  /** Trials asked so far. */
  readonly asked: number;
  /** Whether another trial may be asked. */
  readonly mayAsk: boolean;
  /** All steps so far, in the order of their decisions. */
  readonly steps: readonly Step[];
  /** Results that may be used, in the order of their steps. */
  readonly results: readonly RungResult[];
  /** Trials known to have ended: trained completely, rejected, failed or stopped. */
  readonly ended: ReadonlySet<number>;
  /** No step is running: nothing more becomes known without another one. */
  readonly isIdle: boolean;
}

/** A stop takes no time. */
export type SchedulerDecision =
  | { readonly kind: 'ask' }
  | { readonly kind: 'promote'; readonly trial: number; readonly epochs: number; readonly reason: string }
  | { readonly kind: 'stop'; readonly trial: number; readonly reason: string };

/**
 * Decides how long each trial is trained, whenever a worker is free. It is a function of the state alone, so that a
 * resumed run repeats its decisions.
 */
export interface Scheduler {
  /** Epochs of every trial's first step. */
  readonly first: number;
  /** Undefined when running steps have to end first, or when every trial has ended and none may be asked. */
  decide(state: SchedulerState): SchedulerDecision | undefined;
}

export interface SchedulerInput {
  readonly objectives: readonly Objective[];
  /** Epochs of a whole training. */
  readonly epochs: number;
}
