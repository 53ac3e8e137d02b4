import type { RunContext } from '../context.js';
import type { Plan } from '../plan.js';
import type { Evaluator } from './evaluator.js';
import { TrainingEvaluator } from './training.js';

export type { Evaluator, Foresight } from './evaluator.js';

/** The evaluator that a plan needs. */
export const createEvaluator = (plan: Plan, context: RunContext): Evaluator => new TrainingEvaluator(context, plan);
