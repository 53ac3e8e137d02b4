import { z } from 'zod';
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
  readonly settled: boolean;
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

const minEpochs = z.number().int().min(1).default(1).describe('epochs before a trial is judged for the first time');

const eta = (preset: number) =>
  z
    .number()
    .int()
    .min(2)
    .max(16)
    .default(preset)
    .describe('one in this many trials at a rung is promoted; the next rung has this many times the epochs');

/** `search.fidelity:`; how long each trial is trained. */
export const fidelitySchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }).describe('every trial is trained for all of train.epochs'),
  z
    .strictObject({ type: z.literal('asha'), min_epochs: minEpochs, eta: eta(3) })
    .describe('asynchronous successive halving (Li et al. 2020): trials go on as soon as a rung has enough results'),
  z
    .strictObject({
      type: z.literal('halving'),
      min_epochs: minEpochs,
      eta: eta(3),
      bracket: z
        .number()
        .int()
        .min(2)
        .optional()
        .describe('trials that compete with each other; default: enough for one at the last rung'),
    })
    .describe('successive halving (Jamieson & Talwalkar 2016): a rung is judged when its bracket is complete'),
  z
    .strictObject({
      type: z.literal('freeze-thaw'),
      min_epochs: minEpochs,
      eta: eta(2),
      min_gain: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.002)
        .describe('a trial goes on while it is expected to add this share of the hypervolume to the frontier'),
    })
    .describe('the trial with the greatest expected gain for the frontier goes on (after Swersky et al. 2014)'),
]);
export type FidelityConfig = z.output<typeof fidelitySchema>;
