import type { Clock, EventKind, EventRecord, RunStatusRecord, Store } from '../store/index.js';
import type { Experiment } from '../experiments/schema/experiment.js';
import { isStudy } from '../experiments/schema/run-experiment.js';

const msPerHour = 3_600_000;

/** Commands write these into runs that stand still. */
const standingStill: ReadonlySet<EventKind> = new Set<EventKind>(['measuring-again']);

/**
 * The time in which a run works, from its events: not after its end or a kill, nor while another command works on it. A
 * study works while a program evaluates one of its networks. An event that is dated before the one before it adds nothing.
 */
export class WorkingTime {
  private spent = 0;
  /** The latest event of the work; null while the run stands still. */
  private latest: number | null = null;
  private seen = 0;
  /** The time before the first trial, in ms; undefined while there is none. */
  private untilSearch: number | undefined;
  /** Trials that programs evaluate. */
  private readonly evaluated = new Set<number>();
  private readonly worksAfter: (event: EventRecord) => boolean;

  constructor(
    experiment: Experiment,
    private readonly store: Store,
    private readonly clock: Clock,
  ) {
    this.worksAfter = isStudy(experiment) ? this.studyWorksAfter : this.runWorksAfter;
  }

  /** In ms, until now. */
  get ms(): number {
    for (const event of this.store.events.all(this.seen)) this.take(event);
    return this.spent + this.since(this.clock());
  }

  /** In ms, until the first trial was asked for; undefined before. */
  get searchFrom(): number | undefined {
    return this.untilSearch;
  }

  private take(event: EventRecord): void {
    this.seen = event.seq;
    // Any process may enqueue, also while the run stands still.
    if (event.kind === 'enqueued') return;
    const began = event.kind === 'created' || event.kind === 'resumed';
    if (!began && !standingStill.has(event.kind)) this.spent += this.since(event.at);
    if (event.kind === 'asked') this.untilSearch ??= this.spent;
    this.latest = this.worksAfter(event) ? event.at : null;
  }

  private since(at: number): number {
    return this.latest === null ? 0 : Math.max(0, at - this.latest);
  }

  private readonly runWorksAfter = ({ kind, detail }: EventRecord): boolean => {
    if (kind === 'created' || kind === 'resumed') return true;
    if (standingStill.has(kind)) return false;
    // Written by the store.
    const ends = kind === 'status' && (detail as Pick<RunStatusRecord, 'status'>).status !== 'running';
    return this.latest !== null && !ends;
  };

  private readonly studyWorksAfter = ({ kind, trial }: EventRecord): boolean => {
    if (trial !== null && (kind === 'asked' || kind === 'promoted')) this.evaluated.add(trial);
    if (trial !== null && (kind === 'reported' || kind === 'finished')) this.evaluated.delete(trial);
    return this.evaluated.size > 0;
  };
}

/** Whether the hours of a search are over by `clock`; see `WorkingTime`. */
export function outOfTime(experiment: Experiment, store: Store, clock: Clock): () => boolean {
  const hours = experiment.search.stop?.hours;
  if (hours === undefined) return () => false;
  const time = new WorkingTime(experiment, store, clock);
  return () => time.ms >= hours * msPerHour;
}
