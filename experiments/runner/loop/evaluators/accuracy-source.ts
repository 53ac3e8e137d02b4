import type { ObjectiveValues, TrialRecord } from '../../../../store/index.js';
import type { LatencyService } from '../../latency/latency.js';
import type { Paused } from './evaluator.js';

/** What the evaluation of a trial came to. */
export type Evaluated =
  Paused | { readonly state: 'complete'; readonly values: ObjectiveValues } | { readonly failed: string };

/** Where the values come from that take long: candidates are trained, or a function of the user's is asked. */
export interface AccuracySource {
  /** Puts in place what every evaluation needs. */
  prepare(): Promise<void>;
  /** Epochs of a whole evaluation; 1 where it cannot be done in parts. */
  readonly epochs: number;
  /** Goes on from where the trial stands until `epochs` of its epochs; undefined when the user stopped the run. */
  evaluate(trial: TrialRecord, epochs: number): Promise<Evaluated | undefined>;
  /** What a trial came to after some of its epochs; undefined when it never got there. */
  known(trial: TrialRecord, epochs: number): ObjectiveValues | undefined;
  /** File of the weights of a trial that was evaluated to its end. */
  weights(trial: TrialRecord): Promise<string>;
  /** Forgets how a trial would have gone on. */
  abandon(trial: number): void;
  /** What follows the search. */
  finish(latency: LatencyService): Promise<void>;
}
