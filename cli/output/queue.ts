import type { QueueOverview, RunOverview } from '../../experiments/queue/registry.js';
import { duration } from '../../experiments/report/index.js';
import { renderFacts, renderTable, type Column } from './table.js';
import type { Colors } from './terminal.js';

type Worker = QueueOverview['workers'][number];
type Job = Worker['jobs'][number] & { readonly host: string; readonly name: string };

const stateOf = ({ unable, quiet }: Worker): string =>
  unable !== null ? `takes none: ${unable}` : quiet !== null ? 'stands still: the machine is measured' : 'works';

const workerColumns: readonly Column<Worker>[] = [
  { title: 'host', cell: ({ host }) => host },
  { title: 'processor', cell: ({ cpu, cores }) => `${cpu}, ${cores} core${cores === 1 ? '' : 's'}` },
  { title: 'group', cell: ({ group }) => group },
  { title: 'slots', numeric: true, cell: ({ jobs, slots }) => `${jobs.length}/${slots}` },
  { title: 'state', cell: stateOf },
  {
    title: 'tags',
    cell: ({ tags, modules }) => [...tags, ...(modules ? ['(runs modules)'] : [])].join(' ') || '-',
  },
  { title: 'version', cell: ({ build }) => build },
  { title: 'up', numeric: true, cell: ({ upSeconds }) => duration(upSeconds) },
];

const jobColumns: readonly Column<Job>[] = [
  { title: 'host', cell: ({ host }) => host },
  { title: 'slot', numeric: true, cell: ({ slot }) => String(slot) },
  { title: 'run', cell: ({ name }) => name },
  { title: 'job', cell: ({ id }) => id },
  { title: 'kind', cell: ({ kind }) => kind },
  { title: 'since', numeric: true, cell: ({ seconds }) => duration(seconds) },
];

const waiting = ({ name, unfit }: RunOverview): string =>
  [`${name} waits for workers:`, ...unfit.map(({ host, why }) => `- the one on ${host} ${why.join('; ')}`)].join('\n');

/** Who works for a queue, as tables: the workers, what they do, their groups, and the runs that none of them fits. */
export function workersText({ workers, runs }: QueueOverview, colors: Colors): string {
  const names = new Map(runs.map(({ run, name }) => [run, name]));
  const jobs = workers.flatMap(({ host, jobs: own }) =>
    own.map((job) => ({ ...job, host, name: names.get(job.run) ?? job.run })),
  );
  const groups = new Map(workers.map(({ group, groupText }) => [group, groupText]));
  const parts = [
    workers.length === 0
      ? 'No worker is there; on any machine, nas worker --queue ... starts one\n'
      : renderTable(workerColumns, workers, colors),
    ...(jobs.length === 0 ? [] : [renderTable(jobColumns, jobs, colors)]),
    ...(groups.size === 0 ? [] : [`${colors.bold('Groups')}\n${renderFacts([...groups], colors)}`]),
    ...runs.filter(({ slots }) => slots === 0).map((run) => `${waiting(run)}\n`),
  ];
  return parts.join('\n');
}
