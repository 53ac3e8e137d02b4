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
  const counts = new Map<string, number>();
  for (const { group } of assignments) if (group !== null) counts.set(group, (counts.get(group) ?? 0) + 1);
  return [...counts]
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

/** Derives the assignments of a trial, and how each ended, from its events. */
class AssignmentHistory {
  readonly all: Open[] = [];

  constructor(
    private readonly createdAt: number,
    /** Why the trial was pruned or failed. */
    private readonly message: string | null,
  ) {}

  private readonly handlers: { readonly [K in EventKind]?: (event: EventRecord, detail: Detail) => void } = {
    taken: (event) => {
      const { training, attempt, host, group, at } = assignmentOf(event);
      // A worker that is stopped gives its job back.
      this.end([training.stage], 'given back');
      this.all.push({
        stage: training.stage,
        attempt,
        host,
        group,
        takenAfter: (at - this.createdAt) / 1000,
        ended: null,
      });
    },
    // Within a run, `retried` follows and overwrites the reason.
    started: (_, { stage = 'search' }) => this.end([stage], 'the run was stopped'),
    retried: (_, { stage = 'search', message = '' }) => {
      const last = this.last(stage);
      if (last !== undefined) last.ended = message;
    },
    promoted: () => this.end(['search'], 'trained in part'),
    finished: (_, { state = '' }) => this.end(['search'], this.message === null ? state : `${state}: ${this.message}`),
    'final-finished': (_, { state = '' }) => this.end(['final'], state),
  };

  apply(event: EventRecord): void {
    // Details of these kinds are plain objects.
    this.handlers[event.kind]?.(event, event.detail as Detail);
  }

  static readonly kinds: readonly EventKind[] = [
    'started',
    'taken',
    'retried',
    'promoted',
    'finished',
    'final-finished',
  ];

  private last(stage: Training['stage']): Open | undefined {
    return this.all.findLast((assignment) => assignment.stage === stage);
  }

  private end(stages: readonly Training['stage'][], how: string): void {
    for (const stage of stages) {
      const last = this.last(stage);
      if (last !== undefined) last.ended ??= how;
    }
  }
}

const maxEvents = 1000;

/** Assignments of a trial's trainings to workers, in order; none when only the run's own machine worked. */
export function collectAssignments(store: Store, trial: number): ReportAssignment[] {
  const history = new AssignmentHistory(store.run.createdAt(), store.trials.get(trial)?.message ?? null);
  for (const event of store.events.last(AssignmentHistory.kinds, maxEvents, trial).reverse()) history.apply(event);
  return history.all;
}
