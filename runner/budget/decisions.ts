import type { Clock, Store } from '../../store/index.js';
import { isTrainingExperiment } from '../../experiments/schema/run-experiment.js';
import { experimentOf } from '../stored/experiment.js';
import { WorkingTime } from '../working-time.js';
import type { BudgetStart } from './settle.js';

/** What a budget decided, as stored beside the experiment that it changed. A resumed run decides none of it again. */
export type BudgetDecision =
  | { readonly kind: 'start'; readonly start: BudgetStart }
  /** The number of trials: the search is over. */
  | { readonly kind: 'trials' }
  /** The length of the final trainings. */
  | { readonly kind: 'final' };

/** Detail of an event of the kind `extended` that a budget wrote. */
export interface BudgetDetail {
  readonly message: string;
  readonly budget: BudgetDecision;
}

/** The stored decisions of a run's budget. */
export const budgetDecisions = (store: Store): BudgetDecision[] =>
  store.events.of('extended').flatMap(({ detail }) => {
    const { budget } = detail as Partial<BudgetDetail>;
    return budget === undefined ? [] : [budget];
  });

/** The minutes of a run's budget, and those in which it worked; undefined: it has none. */
export function budgetMinutes(
  store: Store,
  clock: Clock,
): { readonly spent: number; readonly budget: number } | undefined {
  const first = startOf(store);
  const experiment = experimentOf(store);
  if (first === undefined || !isTrainingExperiment(experiment)) return undefined;
  const spent = first.spent / 60 + new WorkingTime(experiment, store, clock).ms / 60_000;
  return { spent, budget: experiment.budget?.minutes ?? 0 };
}

export const hasDecided = (store: Store, kind: BudgetDecision['kind']): boolean =>
  budgetDecisions(store).some((decision) => decision.kind === kind);

export const startOf = (store: Store): BudgetStart | undefined =>
  budgetDecisions(store).find((decision) => decision.kind === 'start')?.start;

/** Whether the budget of a run still decides how many trials it has. */
export function decidesTrials(store: Store): boolean {
  const start = startOf(store);
  return start !== undefined && start.fixed.trials === undefined && !hasDecided(store, 'trials');
}
