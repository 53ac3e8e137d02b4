import type { Store } from '../../store/index.js';
import { defaultAugmentNotes, fixedIn } from '../default-augment.js';
import type { RunObserver } from '../events.js';
import type { Plan } from '../plan.js';
import type { BudgetDetail } from './decisions.js';
import { settleBudget, type SettledBudget } from './settle.js';

/**
 * The plan of a new run with what its budget chose; without a budget, the same plan.
 * @throws NasError as `settleBudget`
 */
export async function withinBudget(
  plan: Plan,
  {
    observe,
    ...others
  }: {
    readonly written: unknown;
    readonly elapsed: () => number;
    readonly observe: RunObserver;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly plan: Plan; readonly budget?: SettledBudget }> {
  if (plan.kind !== 'training' || plan.experiment.budget === undefined) return { plan };
  const { minutes } = plan.experiment.budget;
  const budget = await settleBudget(plan, { ...others, minutes, observe });
  observe({ kind: 'note', message: budget.lines.join(' ') });
  for (const message of defaultAugmentNotes(budget.experiment, fixedIn(others.written)))
    observe({ kind: 'note', message });
  return { plan: { ...plan, experiment: budget.experiment }, budget };
}

/** Stores what a budget chose, in the transaction that creates the run. */
export function storeBudget(store: Store, { experiment, start, lines }: SettledBudget): void {
  const detail: BudgetDetail = { message: lines.join(' '), budget: { kind: 'start', start } };
  store.run.extend(experiment, detail);
}
