import type { ControllerName } from '../../search/index.js';
import type { TableObjective } from '../objective-schema.js';
import type { TableExperiment } from '../schema.js';

/** One way to look at a table: a set of objectives; with several devices, one for each. */
export interface Variant {
  readonly name: string;
  readonly objectives: readonly TableObjective[];
}

/** What is compared: every controller on every variant with every seed. */
export interface Comparison {
  readonly space: TableExperiment['space'];
  readonly variants: readonly Variant[];
  readonly controllers: readonly ControllerName[];
  /** Settings of the controllers; `trials` evaluations each. */
  readonly search: TableExperiment['search'];
  /** Seeds 0 ... seeds - 1. */
  readonly seeds: number;
}

/** One search of a comparison. */
export interface Task {
  readonly controller: ControllerName;
  /** Index of the variant. */
  readonly variant: number;
  readonly seed: number;
}

/** What one search found. */
export interface TaskResult {
  readonly task: Task;
  /** Share of the true frontier's hypervolume after each evaluation, in [0, 1]. */
  readonly curve: readonly number[];
  /** Rows of the true frontier among the evaluations so far, after each evaluation. */
  readonly found: readonly number[];
  /** Mean time of one ask, in ms. */
  readonly askMs: number;
  /** Why the search ended before it had all its evaluations; null when it had. */
  readonly ended: string | null;
}

/** In the order of controllers, variants and seeds. */
export const tasksOf = ({ controllers, variants, seeds }: Comparison): Task[] =>
  controllers.flatMap((controller) =>
    variants.flatMap((_, variant) => Array.from({ length: seeds }, (_each, seed) => ({ controller, variant, seed }))),
  );
