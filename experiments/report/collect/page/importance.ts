import type { Store } from '../../../../store/index.js';
import type { ImportanceAnswer } from '../../../page/api.js';

/** How much each decision matters for each objective. */
export function collectImportance(store: Store): ImportanceAnswer {
  const complete = store.overview.complete().length;
  return {
    method: 'functional ANOVA over a random forest (Hutter, Hoos & Leyton-Brown 2014)',
    trials: complete,
    objectives: null,
  };
}
