import type { RunContext } from '../../context.js';
import type { CreateJobRunner } from '../../jobs/local-pool.js';
import type { Plan } from '../../plan.js';
import type { Evaluator } from './evaluator.js';
import { TableEvaluator } from './table.js';
import { TrainingEvaluator } from './training.js';

export type { Evaluator, Preview, Paused } from './evaluator.js';
export type { TableRow } from './table.js';

/**
 * The evaluator that a plan needs.
 * @throws NasError when there are no workers to be had.
 */
export async function createEvaluator(plan: Plan, context: RunContext, workers: CreateJobRunner): Promise<Evaluator> {
  switch (plan.kind) {
    case 'training':
      return TrainingEvaluator.with(workers, context, plan);
    case 'table':
      return new TableEvaluator(context, plan);
  }
}
