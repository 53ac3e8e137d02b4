import { csvLine } from '../../base/text.js';
import type { Objective } from '../../search/index.js';
import type { ReportTrial } from './data.js';
import { decisionNames } from './run.js';

/**
 * Trials as CSV in the given order: trial, state, precision (in runs with several), one column per decision, one per
 * objective (accuracy in [0, 1]).
 */
export function toCsv(trials: readonly ReportTrial[], objectives: readonly Objective[]): string {
  const decisions = decisionNames(trials);
  const names = objectives.map(({ name }) => name);
  const several = trials.some(({ precision }) => precision !== undefined);
  return [
    csvLine(['trial', 'state', ...(several ? ['precision'] : []), ...decisions, ...names]),
    ...trials.map(({ number, state, precision, choices, values }) =>
      csvLine([
        number,
        state,
        ...(several ? [precision] : []),
        ...decisions.map((name) => choices[name]),
        ...names.map((name) => values[name]),
      ]),
    ),
  ].join('');
}
