import type { Values } from '../../../search/index.js';
import type { Genotype } from '../../../spaces/index.js';
import type { NewTrial, Outcome, TrialRecord } from '../../../store/index.js';

/** What may be known of candidates before they are evaluated. */
export interface Foresight {
  /** Cheap objective values, exact or predicted. */
  cheap(genotype: Genotype): Values;
  /** What the store keeps of a candidate when it is asked for. */
  describe(genotype: Genotype): Pick<NewTrial, 'network' | 'prediction'>;
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
  foresee(isKnown: (trial: number) => boolean): Foresight;
  /** Brings one trial from where it stands to its outcome; undefined when the user stopped the run before. */
  evaluate(trial: TrialRecord): Promise<Outcome | undefined>;
  /** What follows the search: final measurements and trainings of the frontier. */
  finish(): Promise<void>;
  /** Asks what is being evaluated to end soon, in such a way that it can go on later. */
  stop(): void;
  /** Gives back what the evaluator holds: worker processes. */
  close(): Promise<void>;
}
