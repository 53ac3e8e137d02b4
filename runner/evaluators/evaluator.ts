import type { TrialResult, Values } from '../../search/index.js';
import type { Genotype } from '../../spaces/index.js';
import type { NewTrial, ObjectiveValues, Outcome, TrialRecord } from '../../store/index.js';
import type { LatencyService } from '../latency/latency.js';

/** Facts about candidates before their evaluation. */
export interface Preview {
  /** Cheap objective values, exact or predicted; the same function as long as they do not change. */
  readonly cheap: (genotype: Genotype) => Values;
  /** Cheap objectives that `cheap` cannot give yet: latency before there is a latency model. */
  readonly unpredicted?: readonly string[];
  /** Stored with a candidate when it is asked for. */
  describe(genotype: Genotype): Pick<NewTrial, 'network' | 'predictions'>;
}

/** A trial that was evaluated in part and can continue. */
export interface Paused {
  readonly state: 'paused';
  /** All objective values after these epochs. */
  readonly values: ObjectiveValues;
}

/**
 * Evaluates the candidates that a controller asks for. The search knows nothing else about it: the same search runs on
 * trainings and on tables of results. A run that was killed begins again with `prepare`; finished work is in the store or
 * in files, and is not done twice.
 */
export interface Evaluator {
  /** Prepares the inputs of every evaluation: the teacher, the latency model. */
  prepare?(): Promise<void>;
  /** @param isKnown whether the results of a trial may be used. */
  preview(isKnown: (trial: number) => boolean): Preview;
  /** Called when a trial is stored, with the results that its decision used. */
  asked?(trial: number, history: readonly TrialResult[]): void;
  /** Epochs of a whole evaluation, where one can be done in parts. */
  readonly epochs?: number;
  /**
   * Brings one trial from its stored state to its outcome, or to `epochs` of its epochs; undefined when the user stopped
   * the run before.
   */
  evaluate(trial: TrialRecord, epochs: number): Promise<Outcome | Paused | undefined>;
  /** The stored values of a trial after some of its epochs. */
  recall?(trial: TrialRecord, epochs: number): ObjectiveValues | undefined;
  /** Discards the checkpoint of a trial that was stopped. */
  abandon?(trial: number): void;
  /** The final measurements and trainings of the frontier. */
  finish?(): Promise<void>;
  /** Asks running evaluations to end soon, so that they can continue later. */
  stop?(): void;
  /** Ends worker processes. */
  close?(): Promise<void>;
}

export type Evaluated =
  | Paused
  | { readonly state: 'complete'; readonly values: ObjectiveValues }
  | { readonly failed: string };

/** Where expensive values come from: trainings, slices of a supernet, or a function of the user's. */
export interface AccuracySource {
  prepare?(): Promise<void>;
  asked?(trial: number, history: readonly TrialResult[]): void;
  /** Epochs of a whole evaluation; 1 where it cannot be done in parts. */
  readonly epochs: number;
  /** Continues a trial until `epochs` of its epochs are done; undefined when the user stopped the run. */
  evaluate(trial: TrialRecord, epochs: number): Promise<Evaluated | undefined>;
  /** The stored values of a trial after some of its epochs; undefined when it never got there. */
  known?(trial: TrialRecord, epochs: number): ObjectiveValues | undefined;
  /** File of the weights of a trial that was evaluated to its end. */
  weights(trial: TrialRecord): Promise<string>;
  abandon?(trial: number): void;
  finish(latency: LatencyService): Promise<void>;
}
