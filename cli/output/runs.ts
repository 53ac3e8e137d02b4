import {
  collectRuns,
  duration,
  objectiveTitle,
  objectiveValue,
  type ReportAssignment,
  type RunWorkers,
} from '../../reports/index.js';
import { describeTraining, type Training } from '../../store/index.js';
import type { QueueOverview, RunOverview } from '../../workers/registry.js';
import { type Colors, type Column, renderFacts, renderTable, numeric } from './terminal.js';

type Listed = ReturnType<typeof collectRuns>[number];

const cell =
  (of: (run: Exclude<Listed, { readonly problem: string }>) => string) =>
  (listed: Listed): string =>
    'problem' in listed ? '-' : of(listed);

const runColumns: readonly Column<Listed>[] = [
  { title: 'workdir', cell: ({ workdir }) => workdir },
  { title: 'status', cell: (listed) => ('problem' in listed ? listed.problem : listed.run.status) },
  numeric(
    'trials',
    cell(({ run }) => `${run.counts.complete} of ${run.planned}`),
  ),
  numeric(
    'frontier',
    cell(({ frontier }) => String(frontier)),
  ),
  {
    title: 'best',
    cell: cell(({ best }) =>
      Object.entries(best)
        .map(([name, value]) => `${objectiveTitle(name)} ${objectiveValue(name, value)}`)
        .join(', '),
    ),
  },
];

export const runsTable = (runs: readonly Listed[], colors: Colors): string => renderTable(runColumns, runs, colors);

const stages: { readonly [S in Training['stage']]: string } = {
  search: 'search',
  final: 'final training',
  teacher: 'teacher',
  supernet: 'supernet',
};

/** Table of current assignments; empty when there are none. @param now ms since 1970 */
export function atWorkListing({ now: trainings, waiting }: RunWorkers, now: number, colors: Colors): string {
  if (trainings.length === 0 && waiting === 0) return '';
  const columns: readonly Column<RunWorkers['now'][number]>[] = [
    { title: 'training', cell: ({ training }) => describeTraining(training) },
    { title: 'stage', cell: ({ training }) => stages[training.stage] },
    { title: 'host', cell: ({ host }) => host },
    { title: 'group', cell: ({ group }) => group ?? '-' },
    numeric('for', ({ since }) => duration(Math.max(0, now - since) / 1000)),
  ];
  const waits = waiting === 0 ? '' : `${waiting} ${waiting === 1 ? 'training waits' : 'trainings wait'} for a worker\n`;
  const table = trainings.length === 0 ? '' : renderTable(columns, trainings, colors);
  return `\n${colors.bold('At work')}\n${table}${waits}`;
}

const assignmentColumns: readonly Column<ReportAssignment>[] = [
  { title: 'stage', cell: ({ stage }) => stages[stage] },
  numeric('attempt', ({ attempt }) => String(attempt)),
  { title: 'host', cell: ({ host }) => host },
  { title: 'group', cell: ({ group }) => group ?? '-' },
  numeric('taken after', ({ takenAfter }) => duration(takenAfter)),
  { title: 'ended', cell: ({ ended }) => ended?.replace(/\s+/g, ' ') ?? 'at work' },
];

/** Table of a trial's assignments; empty when there are none. */
export const assignmentsTable = (assignments: readonly ReportAssignment[], colors: Colors): string =>
  assignments.length === 0 ? '' : `\n${colors.bold('Workers')}\n${renderTable(assignmentColumns, assignments, colors)}`;

type Worker = QueueOverview['workers'][number];
type Job = Worker['jobs'][number] & { readonly host: string; readonly name: string };

const stateOf = ({ unable, pausedFor }: Worker): string =>
  unable !== null ? `takes none: ${unable}` : pausedFor !== null ? 'stands still: the machine is measured' : 'works';

const workerColumns: readonly Column<Worker>[] = [
  { title: 'host', cell: ({ host }) => host },
  { title: 'processor', cell: ({ cpu, cores }) => `${cpu}, ${cores} core${cores === 1 ? '' : 's'}` },
  { title: 'group', cell: ({ group }) => group },
  numeric('slots', ({ jobs, slots }) => `${jobs.length}/${slots}`),
  { title: 'state', cell: stateOf },
  {
    title: 'tags',
    cell: ({ tags, modules }) => [...tags, ...(modules ? ['(runs modules)'] : [])].join(' ') || '-',
  },
  { title: 'version', cell: ({ build }) => build },
  numeric('up', ({ upSeconds }) => duration(upSeconds)),
];

const jobColumns: readonly Column<Job>[] = [
  { title: 'host', cell: ({ host }) => host },
  numeric('slot', ({ slot }) => String(slot)),
  { title: 'run', cell: ({ name }) => name },
  { title: 'job', cell: ({ id }) => id },
  { title: 'kind', cell: ({ kind }) => kind },
  numeric('since', ({ seconds }) => duration(seconds)),
];

const waiting = ({ name, unfit }: RunOverview): string =>
  [`${name} waits for workers:`, ...unfit.map(({ host, why }) => `- the one on ${host} ${why.join('; ')}`)].join('\n');

/** Tables of a queue's workers, their jobs and groups, and the runs without suitable workers. */
export function workersText({ workers, runs }: QueueOverview, colors: Colors): string {
  const names = new Map(runs.map(({ run, name }) => [run, name]));
  const jobs = workers.flatMap(({ host, jobs: own }) =>
    own.map((job) => ({ ...job, host, name: names.get(job.run) ?? job.run })),
  );
  const groups = new Map(workers.map(({ group, groupText }) => [group, groupText]));
  const parts = [
    workers.length === 0
      ? 'There are no workers; nas worker --queue ... starts one on any machine\n'
      : renderTable(workerColumns, workers, colors),
    ...(jobs.length === 0 ? [] : [renderTable(jobColumns, jobs, colors)]),
    ...(groups.size === 0 ? [] : [`${colors.bold('Groups')}\n${renderFacts([...groups], colors)}`]),
    ...runs.filter(({ slots }) => slots === 0).map((run) => `${waiting(run)}\n`),
  ];
  return parts.join('\n');
}
