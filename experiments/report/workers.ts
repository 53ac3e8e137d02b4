import type { EventKind, EventRecord, Store, Training } from '../../store/index.js';
import { assignmentOf, assignmentsOf, hostShares, type Assignment } from '../stored/workers.js';
import { workersNow } from '../stored/workers.js';
import type { ReportGroup, ReportTaking, RunWorkers } from './data.js';
import { activitiesOf } from './activity.js';
import { experimentOf } from '../stored/experiment.js';

/** Who works for a run, and who did; undefined where its own processes do, and did. */
export function collectWorkers(store: Store): RunWorkers | undefined {
  const workers = workersNow(store);
  const takings = assignmentsOf(store);
  if (workers.type === 'pool' && takings.length === 0) return undefined;
  return {
    queue: workers.type === 'queue' ? workers.url : null,
    hosts: hostShares(takings),
    groups: groupsOf(store, takings),
    ...atWork(store, takings),
  };
}

function groupsOf(store: Store, takings: readonly Assignment[]): ReportGroup[] {
  // Written by the coordinator when it settled on a group.
  const texts = new Map(
    store.events.of('workers-group').map(({ detail }) => {
      const { group, text } = detail as { readonly group: string; readonly text: string };
      return [group, text];
    }),
  );
  const counts = new Map<string, number>();
  for (const { group } of takings) if (group !== null) counts.set(group, (counts.get(group) ?? 0) + 1);
  return [...counts]
    .map(([group, taken]) => ({ group, text: texts.get(group) ?? null, taken }))
    .sort((a, b) => b.taken - a.taken || (a.group < b.group ? -1 : 1));
}

const isSame = (a: Training, b: Training): boolean =>
  a.stage === b.stage && a.trial === b.trial && a.shrunk === b.shrunk;

/** What is in the hands of whom, and what waits; nothing of a run that stands still. */
function atWork(store: Store, takings: readonly Assignment[]): Pick<RunWorkers, 'now' | 'waiting'> {
  if (store.run.state().status !== 'running') return { now: [], waiting: 0 };
  const trainings = activitiesOf(store, experimentOf(store)).flatMap((activity) =>
    activity.kind === 'training' ? [activity] : [],
  );
  const now = trainings.flatMap(({ training, host }) => {
    if (typeof host !== 'string') return [];
    const taking = takings.findLast((one) => isSame(one.training, training));
    return taking === undefined ? [] : [{ training, host, group: taking.group, since: taking.at }];
  });
  return { now, waiting: trainings.filter(({ host }) => host === null).length };
}

interface Detail {
  readonly stage?: Training['stage'];
  readonly state?: string;
  readonly message?: string;
}

interface Open extends Omit<ReportTaking, 'ended'> {
  ended: string | null;
}

/** Goes through what happened to a trial, and says of each taking what became of it. */
class Takings {
  readonly all: Open[] = [];

  constructor(
    private readonly createdAt: number,
    /** Why the trial was pruned or failed. */
    private readonly message: string | null,
  ) {}

  private readonly takes: { readonly [K in EventKind]?: (event: EventRecord, detail: Detail) => void } = {
    taken: (event) => {
      const { training, attempt, host, group, at } = assignmentOf(event);
      // Nothing went wrong: its worker was stopped, and gave it back.
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
    // Of an attempt that follows another one within a run, `retried` comes next and says why.
    started: (_, { stage = 'search' }) => this.end([stage], 'the run was stopped'),
    retried: (_, { stage = 'search', message = '' }) => {
      const last = this.last(stage);
      if (last !== undefined) last.ended = message;
    },
    promoted: () => this.end(['search'], 'trained in part'),
    finished: (_, { state = '' }) => this.end(['search'], this.message === null ? state : `${state}: ${this.message}`),
    'final-finished': (_, { state = '' }) => this.end(['final', 'quantize-aware'], state),
  };

  take(event: EventRecord): void {
    // All events of these kinds have plain objects as details.
    this.takes[event.kind]?.(event, event.detail as Detail);
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
    return this.all.findLast((taking) => taking.stage === stage);
  }

  private end(stages: readonly Training['stage'][], how: string): void {
    for (const stage of stages) {
      const last = this.last(stage);
      if (last !== undefined) last.ended ??= how;
    }
  }
}

/** Events of one trial that are looked at; of more attempts, the first are left out. */
const most = 1000;

/** Which workers took the trainings of a trial, in order, and what became of that; none where the run's own did. */
export function collectTakings(store: Store, trial: number): ReportTaking[] {
  const takings = new Takings(store.run.createdAt(), store.trials.get(trial)?.message ?? null);
  for (const event of store.events.last(Takings.kinds, most, trial).reverse()) takings.take(event);
  return takings.all;
}
