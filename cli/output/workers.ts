import { duration, type ReportTaking, type RunWorkers } from '../../experiments/report/index.js';
import { describeTraining, type Training } from '../../store/index.js';
import { renderTable, type Column } from './table.js';
import type { Colors } from './terminal.js';

/** What is said of a training besides whose it is. */
const stages: { readonly [S in Training['stage']]: string } = {
  search: 'search',
  final: 'final training',
  'quantize-aware': 'fine-tuning for int8',
  teacher: 'teacher',
  supernet: 'supernet',
  shrunk: 'fine-tuning',
};

/** What is in the hands of which machine, one training a line; nothing when nothing is. @param now in ms since 1970 */
export function atWorkListing({ now: trainings, waiting }: RunWorkers, now: number, colors: Colors): string {
  if (trainings.length === 0 && waiting === 0) return '';
  const columns: readonly Column<RunWorkers['now'][number]>[] = [
    { title: 'training', cell: ({ training }) => describeTraining(training) },
    { title: 'stage', cell: ({ training }) => stages[training.stage] },
    { title: 'host', cell: ({ host }) => host },
    { title: 'group', cell: ({ group }) => group ?? '-' },
    { title: 'for', numeric: true, cell: ({ since }) => duration(Math.max(0, now - since) / 1000) },
  ];
  const waits = waiting === 0 ? '' : `${waiting} ${waiting === 1 ? 'training waits' : 'trainings wait'} for a worker\n`;
  const table = trainings.length === 0 ? '' : renderTable(columns, trainings, colors);
  return `\n${colors.bold('At work')}\n${table}${waits}`;
}

const takingColumns: readonly Column<ReportTaking>[] = [
  { title: 'stage', cell: ({ stage }) => stages[stage] },
  { title: 'attempt', numeric: true, cell: ({ attempt }) => String(attempt) },
  { title: 'host', cell: ({ host }) => host },
  { title: 'group', cell: ({ group }) => group ?? '-' },
  { title: 'taken after', numeric: true, cell: ({ takenAfter }) => duration(takenAfter) },
  { title: 'ended', cell: ({ ended }) => ended?.replace(/\s+/g, ' ') ?? 'at work' },
];

/** Which machines took the trainings of a trial, one taking a line; nothing when none did. */
export const takingsListing = (takings: readonly ReportTaking[], colors: Colors): string =>
  takings.length === 0 ? '' : `\n${colors.bold('Workers')}\n${renderTable(takingColumns, takings, colors)}`;
