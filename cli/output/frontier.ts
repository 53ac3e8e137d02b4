import { collectFinals, collectFrontier, objectivesOf } from '../../experiments/report/index.js';
import type { Store } from '../../store/index.js';
import { renderTable } from './table.js';
import type { Colors } from './terminal.js';
import { finalColumns, numberColumn, objectiveColumns, precisionColumn } from './trials.js';

/** The frontier as a table, or a line that says why there is none. */
export function frontierTable(store: Store, colors: Colors): string {
  const objectives = objectivesOf(store);
  const members = collectFrontier(store);
  if (members.length === 0) return 'There is no frontier yet: no trial is complete.\n';
  const columns = [
    numberColumn,
    ...precisionColumn(members),
    ...objectiveColumns(objectives, colors),
    ...finalColumns(collectFinals(store), objectives, colors),
  ];
  return renderTable(columns, members, colors);
}
