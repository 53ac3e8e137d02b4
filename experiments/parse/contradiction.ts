import type { Experiment, TrainingExperiment } from '../schema.js';
import type { KeyPath } from './path.js';

/** A combination of values that cannot be, each allowed alone. */
export interface Contradiction {
  /** The value to change. */
  readonly path: KeyPath;
  readonly message: string;
}

export type Check = (experiment: Experiment) => readonly Contradiction[];
export type TrainingCheck = (experiment: TrainingExperiment) => readonly Contradiction[];

/** A contradiction under a condition. */
export const when = (condition: boolean, path: KeyPath, message: string): readonly Contradiction[] =>
  condition ? [{ path, message }] : [];
