import type { Objective, Values } from '../objective.js';
import { z } from 'zod';

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

const minEpochs = z.number().int().min(1).default(1).describe('epochs before a trial is judged for the first time');

const eta = (preset: number) =>
  z
    .number()
    .int()
    .min(2)
    .max(16)
    .default(preset)
    .describe('of so many trials that reach a rung, one goes on; the next rung has so many times the epochs');

/** `search.fidelity:`; whether every trial is trained to its end, or only those that look good after a few epochs. */
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
        .describe('trials that compete with each other; default: as many as leave one at the last rung'),
    })
    .describe('successive halving (Jamieson & Talwalkar 2016): a rung is judged when all of its bracket are there'),
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
    .describe('whichever trial promises the frontier most goes on (after Swersky et al. 2014)'),
]);
export type FidelityConfig = z.output<typeof fidelitySchema>;
