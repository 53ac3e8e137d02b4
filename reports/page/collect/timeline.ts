import type { EventKind, EventRecord, Store, Training } from '../../../store/index.js';
import type { TimelineAnswer, TimelineOutcome, TimelineSpan } from '../api.js';

/** The latest events that are read: about 3,000 trials. */
const maxEvents = 20_000;

type Stage = Training['stage'];

interface Detail {
  readonly stage?: Stage;
  readonly state?: 'complete' | 'pruned' | 'failed';
  readonly host?: string;
  readonly status?: string;
}

interface Work {
  readonly training: Training;
  host: string | null;
  start: number;
  end: number | null;
  outcome: TimelineOutcome;
  /** End of its last epoch. */
  last: number | null;
}

/** Follows the trainings of a run through its events. */
class Timeline {
  readonly done: Work[] = [];
  readonly open = new Map<string, Work>();
  /** Times in which no process worked for the run, ms since 1970. */
  readonly stops: { readonly from: number; readonly to: number }[] = [];
  private before: number | null = null;

  private readonly handlers: { readonly [K in EventKind]?: (event: EventRecord, detail: Detail) => void } = {
    // A retry is reported by `started`, then by `retried`, which ends the attempt before.
    started: ({ at, trial }, { stage = 'search' }) => {
      if (!this.open.has(keyOf(stage, trial))) this.begin(stage, trial, at);
    },
    taken: ({ at, trial }, { stage = 'search', host = null }) => {
      // It waited for a worker until now.
      this.open.delete(keyOf(stage, trial));
      this.begin(stage, trial, at, host);
    },
    epoch: ({ at, trial }, { stage = 'search' }) => {
      const key = keyOf(stage, trial);
      // Teachers and supernets begin with their first epoch.
      if (!this.open.has(key) && isUnannounced(stage)) this.begin(stage, trial, this.before ?? at);
      const work = this.open.get(key);
      if (work !== undefined) work.last = at;
    },
    retried: ({ at, trial }, { stage = 'search' }) => {
      if (trial === null) return;
      this.end(stage, trial, at, 'retried');
      this.begin(stage, trial, at);
    },
    promoted: ({ at, trial }) => {
      const host = this.open.get(keyOf('search', trial))?.host ?? null;
      this.end('search', trial, null, 'paused');
      this.begin('search', trial, at, host);
    },
    // A stopped trial may have been paused before it was judged.
    finished: ({ at, trial }, { state = 'complete' }) =>
      this.end('search', trial, state === 'pruned' ? null : at, state),
    'final-finished': ({ at, trial }, { state = 'complete' }) => {
      // Its file is saved later than its last epoch.
      for (const stage of ['final', 'quantize-aware'] as const)
        this.end(stage, trial, state === 'failed' ? at : null, state);
    },
    status: ({ at }, { status }) => {
      if (status === 'running') return;
      this.endAll(at, status === 'complete' ? 'complete' : 'interrupted');
    },
    resumed: ({ at }) => {
      const from = this.before ?? at;
      this.endAll(from, 'interrupted');
      this.stops.push({ from, to: at });
    },
  };

  apply(event: EventRecord): void {
    // Details of these kinds are plain objects.
    this.handlers[event.kind]?.(event, event.detail as Detail);
    this.before = event.at;
  }

  private begin(stage: Stage, number: number | null, start: number, host: string | null = null): void {
    // Nothing says that a teacher's training has ended; trials follow it.
    if (!isUnannounced(stage))
      for (const { training } of [...this.open.values()])
        if (isUnannounced(training.stage)) this.end(training.stage, null, null, 'complete');
    const training = {
      stage,
      ...(number !== null && { trial: number }),
    } as Training;
    this.open.set(keyOf(stage, number), { training, host, start, end: null, outcome: 'running', last: null });
  }

  /** @param at null: at the end of its last epoch */
  private end(stage: Stage, number: number | null, at: number | null, outcome: TimelineOutcome): void {
    const key = keyOf(stage, number);
    const work = this.open.get(key);
    if (work === undefined) return;
    this.open.delete(key);
    this.done.push({ ...work, end: at ?? work.last ?? work.start, outcome });
  }

  private endAll(at: number, outcome: 'complete' | 'interrupted'): void {
    for (const [key, work] of this.open) {
      const isWhole = isUnannounced(work.training.stage);
      this.done.push({ ...work, end: isWhole ? (work.last ?? at) : at, outcome: isWhole ? 'complete' : outcome });
      this.open.delete(key);
    }
  }
}

/** Stages whose trainings begin with their first epoch, without an event of their own. */
const isUnannounced = (stage: Stage): boolean => stage === 'teacher' || stage === 'supernet';

const keyOf = (stage: Stage, number: number | null): string => `${stage} ${number ?? ''}`;

/** A slot of a machine, which trains one network at a time. */
interface Lane {
  readonly host: string | null;
  readonly spans: TimelineSpan[];
  end: number;
}

/** Distributes work to lanes: the first lane of its machine that is free takes it. */
function lanesOf(works: readonly Work[], since: (at: number) => number): Lane[] {
  const lanes: Lane[] = [];
  for (const { training, host, start, end, outcome } of works.toSorted((a, b) => a.start - b.start)) {
    let lane = lanes.find((one) => one.host === host && one.end <= start);
    if (lane === undefined) lanes.push((lane = { host, spans: [], end: 0 }));
    lane.end = end ?? Infinity;
    lane.spans.push({ training, from: since(start), to: end === null ? null : since(end), outcome });
  }
  return lanes.sort((a, b) => (a.host ?? '').localeCompare(b.host ?? '', 'en', { numeric: true }));
}

/**
 * Who trained what when: the trainings of the latest 20,000 events, by slot of each machine. A run does not store which of
 * its own processes trains, so slots are counted by what overlaps.
 * @param now ms since 1970
 */
export function collectTimeline(store: Store, now: number): TimelineAnswer {
  return store.reading(() => {
    const createdAt = store.run.createdAt();
    const after = Math.max(0, store.events.latest() - maxEvents);
    const timeline = new Timeline();
    for (const event of store.events.all(after)) timeline.apply(event);
    const running = store.run.state().status === 'running';
    const works = [...timeline.done, ...(running ? timeline.open.values() : [])];
    const since = (at: number): number => (at - createdAt) / 1000;
    const counts = new Map<string | null, number>();
    const lanes = lanesOf(works, since).map(({ host, spans }) => {
      const slot = (counts.get(host) ?? 0) + 1;
      counts.set(host, slot);
      return { host, slot, spans };
    });
    const stops = timeline.stops.map(({ from, to }) => ({ from: since(from), to: since(to) }));
    return { lanes, stops, isWhole: after === 0, now: since(now) };
  });
}
