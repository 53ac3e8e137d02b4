import type { Comparison, TaskResult } from './comparison.js';
import { summarise, type MethodSummary } from './summary.js';

/** The summary of every controller of a comparison, in the order given. */
export const summariseAll = (
  { controllers, variants, search }: Comparison,
  results: readonly TaskResult[],
): MethodSummary[] =>
  controllers.map((controller) =>
    summarise(
      controller,
      search.trials,
      variants.map(({ name }, i) => ({
        name,
        seeds: results.filter(({ task }) => task.controller === controller && task.variant === i),
      })),
    ),
  );
