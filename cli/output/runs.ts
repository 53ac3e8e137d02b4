import { collectRuns, objectiveTitle, objectiveValue } from '../../experiments/report/index.js';
import { renderTable, type Column } from './table.js';
import type { Colors } from './terminal.js';

type Listed = ReturnType<typeof collectRuns>[number];

/** A cell of a run that can be read. */
const cell =
  (of: (run: Exclude<Listed, { readonly problem: string }>) => string) =>
  (listed: Listed): string =>
    'problem' in listed ? '-' : of(listed);

const columns: readonly Column<Listed>[] = [
  { title: 'workdir', cell: ({ workdir }) => workdir },
  { title: 'status', cell: (listed) => ('problem' in listed ? listed.problem : listed.run.status) },
  { title: 'trials', numeric: true, cell: cell(({ run }) => `${run.counts.complete} of ${run.planned}`) },
  { title: 'frontier', numeric: true, cell: cell(({ frontier }) => String(frontier)) },
  {
    title: 'best',
    cell: cell(({ best }) =>
      Object.entries(best)
        .map(([name, value]) => `${objectiveTitle(name)} ${objectiveValue(name, value)}`)
        .join(', '),
    ),
  },
];

/** The runs of a folder as a table. */
export const runsTable = (runs: readonly Listed[], colors: Colors): string => renderTable(columns, runs, colors);
