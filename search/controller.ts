import type { DecisionSpace, Genotype } from '../spaces/index.js';
import type { Objective, Values } from './objective.js';

/** All objective values of a trial after a share of its training, in (0, 1). */
export interface Rung {
  readonly share: number;
  readonly values: Values;
}

/** The result of an earlier trial, as far as a controller may know it. */
export interface TrialResult {
  readonly number: number;
  readonly genotype: Genotype;
  /** `pruned`: rejected by a constraint or stopped early; `failed`: no values. */
  readonly state: 'complete' | 'pruned' | 'failed';
  /** Objective values by name; complete trials have all of them. */
  readonly values: Values;
  /**
   * Of a trial that is trained in steps, by ascending share. While it is stopped or paused it is `pruned`, and its `values`
   * are only those that do not depend on training.
   */
  readonly rungs?: readonly Rung[];
  /** Standard deviations of values that are extrapolated, not measured. */
  readonly deviations?: Values;
}

/** What a controller knows when it is asked for trial `number`. */
export interface AskContext {
  readonly number: number;
  /**
   * Finished trials whose results may be used, in trial order. A caller may pass the same array each time and append to
   * it. Proposals depend on the content only; controllers cache by object, so that unchanged trials cost nothing.
   */
  readonly history: readonly TrialResult[];
  /** Trials without a result that may be used, in trial order; they are never asked again. */
  readonly pending: readonly Genotype[];
  /**
   * Cheap objective values of any candidate. One function object always gives the same values; when a latency model is
   * fitted again, it is another object.
   */
  readonly cheap: (genotype: Genotype) => Values;
  /** Cheap objectives that `cheap` cannot give now, for example without a latency predictor; absent: none. */
  readonly unpredicted?: readonly string[];
}

/** What chose a proposal: the experiment, with the name written there, or the controller. */
export type ProposalSource = { readonly kind: 'enqueued'; readonly name: string } | { readonly kind: 'controller' };

export interface Proposal {
  /** Canonical, and never asked before. */
  readonly genotype: Genotype;
  readonly source: ProposalSource;
  /** One line. */
  readonly reason: string;
  /** Candidates that cheap constraints rejected before this one. */
  readonly rejected: number;
}

/**
 * A search strategy as a function of (space, objectives, seed, history). `ask` depends on its context alone, not on
 * earlier asks, so a run is resumed by asking with the stored history.
 */
export interface Controller {
  readonly name: string;
  /**
   * @throws NasError `infeasible` when no candidate within the bounded number of tries keeps the cheap constraints; its
   *   subclass `SpaceExhausted` when every network of the space was asked, or (in a space small enough to be listed)
   *   every one that keeps the constraints.
   */
  ask(context: AskContext): Proposal;
}

/** A genotype that is tried before the controller's proposals: a baseline, or a result of another search. */
export interface Enqueued {
  /** Canonical. */
  readonly genotype: Genotype;
  /** What reports call it. */
  readonly name: string;
}

export interface ControllerInput {
  readonly space: DecisionSpace;
  readonly objectives: readonly Objective[];
  /** Bounds on other cheap values, which candidates have to keep. Absent: none. */
  readonly limits?: readonly Objective[];
  readonly seed: number;
  /** Tried first, in this order; others may be added at the end between two asks. Absent: none. */
  readonly enqueued?: readonly Enqueued[];
  /** The trials of each earlier search of the same decisions: on other data, for another device, or trained otherwise. Absent: none. */
  readonly earlier?: readonly (readonly TrialResult[])[];
}
