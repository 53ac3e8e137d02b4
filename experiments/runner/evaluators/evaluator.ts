import type { Values } from '../../../search/index.js';
import type { Genotype } from '../../../spaces/index.js';
import type { NewTrial, ObjectiveValues, Outcome, TrialRecord } from '../../../store/index.js';
import type { ProposalFilter } from '../search/proposals.js';

/** What may be known of candidates before they are evaluated. */
export interface Preview {
  /** Cheap objective values, exact or predicted; the same function as long as they do not change. */
  readonly cheap: (genotype: Genotype) => Values;
  /** Cheap objectives that are not among these for now. */
  readonly untold?: readonly string[];
  /** What the store keeps of a candidate when it is asked for. */
  describe(genotype: Genotype): Pick<NewTrial, 'network' | 'predictions'>;
}

/** Evaluated in part, and able to go on. */
export interface Paused {
  readonly state: 'paused';
  /** All objective values, as they are after these epochs. */
  readonly values: ObjectiveValues;
}

/**
 * What turns the candidates that a controller asks for into values. The search knows nothing else about it, and so the
 * same search runs on trainings and on tables of results. A run that was killed begins again with `prepare`: whatever
 * is done has left its trace in the store or in files, and is not done twice.
 */
export interface Evaluator {
  /** Puts in place what every evaluation needs: the teacher, the latency model. */
  prepare(): Promise<void>;
  /** @param isKnown whether the results of a trial may be used. */
  preview(isKnown: (trial: number) => boolean): Preview;
  /** Absent: each proposal is evaluated. */
  readonly filter?: ProposalFilter | undefined;
  /** Epochs of a whole evaluation, where one can be done in parts. */
  readonly epochs?: number;
  /**
   * Brings one trial from where it stands to its outcome, or to `epochs` of its epochs; undefined when the user stopped
   * the run before.
   */
  evaluate(trial: TrialRecord, epochs: number): Promise<Outcome | Paused | undefined>;
  /** The values of a trial after some of its epochs, of those that were done and stored before. */
  recall?(trial: TrialRecord, epochs: number): ObjectiveValues | undefined;
  /** Told of a trial that was stopped: it will not go on. */
  abandon?(trial: number): void;
  /** What follows the search: final measurements and trainings of the frontier. */
  finish(): Promise<void>;
  /** Asks what is being evaluated to end soon, in such a way that it can go on later. */
  stop(): void;
  /** Gives back what the evaluator holds: worker processes. */
  close(): Promise<void>;
}
