import { countsOf } from '../../base/group.js';
import type { EventKind, EventRecord, Store, Training } from '../../store/index.js';
import { assignmentOf, assignmentsOf, hostShares, type Assignment, workersNow } from '../../runner/stored/workers.js';
import type { ReportGroup, ReportAssignment, RunWorkers } from './data.js';
import { activitiesOf } from './activity.js';
import { experimentOf } from '../../runner/stored/experiment.js';

/** Workers of a run, now and before; undefined when only its own machine worked. */
export function collectWorkers(store: Store): RunWorkers | undefined {
  const workers = workersNow(store);
  const assignments = assignmentsOf(store);
  if (workers.type === 'pool' && assignments.length === 0) return undefined;
  return {
    queue: workers.type === 'queue' ? workers.url : null,
    hosts: hostShares(assignments),
    groups: groupsOf(store, assignments),
    ...assignedNow(store, assignments),
  };
}

function groupsOf(store: Store, assignments: readonly Assignment[]): ReportGroup[] {
  // Written by the coordinator when it chose a group.
  const texts = new Map(
    store.events.of('workers-group').map(({ detail }) => {
      const { group, text } = detail as { readonly group: string; readonly text: string };
      return [group, text];
    }),
  );
  return [...countsOf(assignments.flatMap(({ group }) => group ?? []))]
    .map(([group, taken]) => ({ group, text: texts.get(group) ?? null, taken }))
    .sort((a, b) => b.taken - a.taken || (a.group < b.group ? -1 : 1));
}

const isSame = (a: Training, b: Training): boolean => a.stage === b.stage && a.trial === b.trial;

/** Trainings assigned to workers, and trainings that wait for one; none unless the run is running. */
function assignedNow(store: Store, assignments: readonly Assignment[]): Pick<RunWorkers, 'now' | 'waiting'> {
  if (store.run.state().status !== 'running') return { now: [], waiting: 0 };
  const trainings = activitiesOf(store, experimentOf(store)).flatMap((activity) =>
    activity.kind === 'training' ? [activity] : [],
  );
  const now = trainings.flatMap(({ training, host }) => {
    if (typeof host !== 'string') return [];
    const assignment = assignments.findLast((one) => isSame(one.training, training));
    return assignment === undefined ? [] : [{ training, host, group: assignment.group, since: assignment.at }];
  });
  return { now, waiting: trainings.filter(({ host }) => host === null).length };
}

interface Detail {
  readonly stage?: Training['stage'];
  readonly state?: string;
  readonly message?: string;
}

interface Open extends Omit<ReportAssignment, 'ended'> {
  ended: string | null;
}

const maxEvents = 1000;

/** Assignments of a trial's trainings to workers, in order; none when only the run's own machine worked. */
export function collectAssignments(store: Store, trial: number): ReportAssignment[] {
  const all: Open[] = [];
  const createdAt = store.run.createdAt();
  // Why the trial was pruned or failed.
  const reason = store.trials.get(trial)?.message ?? null;
  const lastOf = (stage: Training['stage']) => all.findLast((assignment) => assignment.stage === stage);
  const end = (stage: Training['stage'], how: string): void => {
    const last = lastOf(stage);
    if (last !== undefined) last.ended ??= how;
  };
  const handlers: { readonly [K in EventKind]?: (event: EventRecord, detail: Detail) => void } = {
    taken: (event) => {
      const { training, attempt, host, group, at } = assignmentOf(event);
      const { stage } = training;
      // A worker that is stopped gives its job back.
      end(stage, 'given back');
      all.push({ stage, attempt, host, group, takenAfter: (at - createdAt) / 1000, ended: null });
    },
    // Within a run, `retried` follows and overwrites the reason.
    started: (_, { stage = 'search' }) => end(stage, 'the run was stopped'),
    retried: (_, { stage = 'search', message = '' }) => {
      const last = lastOf(stage);
      if (last !== undefined) last.ended = message;
    },
    promoted: () => end('search', 'trained in part'),
    finished: (_, { state = '' }) => end('search', reason === null ? state : `${state}: ${reason}`),
    'final-finished': (_, { state = '' }) => end('final', state),
  };
  const kinds = Object.keys(handlers) as EventKind[];
  for (const event of store.events.last(kinds, maxEvents, trial).reverse())
    // Details of these kinds are plain objects.
    handlers[event.kind]?.(event, event.detail as Detail);
  return all;
}
