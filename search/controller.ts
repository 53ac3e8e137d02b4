import type { DecisionSpace, Genotype } from '../spaces/index.js';
import type { Objective, Values } from './objective.js';

/** What a trial came to after a share of its training, in (0, 1): all objective values as they were then. */
export interface Rung {
  readonly share: number;
  readonly values: Values;
}

/** What became of an earlier trial, as far as a controller may know. */
export interface Told {
  readonly number: number;
  readonly genotype: Genotype;
  /** `pruned`: rejected by a constraint or stopped early; `failed`: no values. */
  readonly state: 'complete' | 'pruned' | 'failed';
  /** Objective values by name; complete trials have all of them. */
  readonly values: Values;
  /**
   * Of a trial that was trained in steps, by ascending share. One that was stopped, or not yet sent on, is `pruned`: its
   * `values` are only those that do not depend on training.
   */
  readonly rungs?: readonly Rung[];
  /** Standard deviations of those values that are foreseen, not measured. */
  readonly deviations?: Values;
}

/** What a controller sees when it is asked for trial `number`. */
export interface AskContext {
  readonly number: number;
  /**
   * Finished trials whose results may be used, in trial order. An array that is given again may have grown, and is the same
   * otherwise. Asking is fastest with the same array, or the same objects; what is proposed depends on their content only.
   */
  readonly history: readonly Told[];
  /** Trials asked but not finished (or not yet to be known), in trial order; never to be asked again. */
  readonly pending: readonly Genotype[];
  /**
   * Cheap objective values of any candidate; the same function object always gives the same (after a latency model was
   * fitted anew, it is another function).
   */
  readonly cheap: (genotype: Genotype) => Values;
  /** Cheap objectives that `cheap` does not tell for now, as when nothing predicts latency; absent: none. */
  readonly untold?: readonly string[];
}

/** Who chose a proposal: the experiment, by its name there, or the controller. */
export type ProposalSource = { readonly kind: 'enqueued'; readonly name: string } | { readonly kind: 'controller' };

/** A proposal: a canonical genotype that was never asked before, and one line on why it was chosen. */
export interface Proposal {
  readonly genotype: Genotype;
  readonly source: ProposalSource;
  readonly reason: string;
  /** Candidates rejected by cheap constraints before this one. */
  readonly rejected: number;
}

/**
 * A search strategy as a function of (space, objectives, seed, history): `ask` is deterministic given its context,
 * whatever was asked before, and so resuming a run is asking again with the stored history.
 */
export interface Controller {
  readonly name: string;
  /**
   * @throws NasError `infeasible` when no candidate satisfies the cheap constraints within the bounded number of
   *   tries; its subclass `SpaceExhausted` when every network of the space has been asked, or (in a space small enough
   *   to be listed) every one that keeps the constraints.
   */
  ask(context: AskContext): Proposal;
}

/** A genotype that is to be tried before the controller has its say: a baseline, or what another search found. */
export interface Enqueued {
  /** Canonical. */
  readonly genotype: Genotype;
  /** What reports call it. */
  readonly name: string;
}

/** What every controller is made from. */
export interface ControllerInput {
  readonly space: DecisionSpace;
  readonly objectives: readonly Objective[];
  readonly seed: number;
  /** Tried first, in this order, whatever the controller; absent: none. */
  readonly enqueued?: readonly Enqueued[];
}
