import { expect } from 'vitest';
import { WorkingTime } from '../../../runner/working-time.js';
import type { Experiment } from '../../../experiments/schema/experiment.js';
import { experimentOf } from '../../../runner/stored/experiment.js';
import { databasePath } from '../../../runner/stored/workdir.js';
import type { Enqueued } from '../../../search/index.js';
import { genotypeId } from '../../../spaces/index.js';
import { Store, type EventRecord, type RunState, type TrialRecord } from '../../../store/index.js';

/** What a life looks like from outside at one moment. */
export interface Seen {
  readonly state: RunState;
  readonly trials: readonly TrialRecord[];
  readonly experiment: Experiment;
  /** Events since the last look. */
  readonly news: readonly EventRecord[];
  /** As `search.stop.hours` counts it until the last event, in ms. */
  readonly spent: number;
}

const isOver = ({ state }: TrialRecord): boolean => state !== 'waiting' && state !== 'running';

/** Reads the store of a run after each command, and checks what holds in every life. */
export class History {
  private trials: readonly TrialRecord[] = [];
  private seq = 0;
  /** Ids of the networks of all trials, in order. */
  private readonly asked: string[] = [];
  private enqueued: string[] = [];
  private readonly finished = new Set<number>();

  constructor(private readonly workdir: string) {}

  look(): Seen {
    using store = Store.open(databasePath(this.workdir), { readonly: true });
    const trials = store.trials.all();
    const news = store.events.all(this.seq);
    this.compare(trials);
    for (const event of news) this.follow(event, trials);
    this.trials = trials;
    this.seq = news.at(-1)?.seq ?? this.seq;
    const experiment = experimentOf(store);
    expect(trials.length).toBeLessThanOrEqual(experiment.search.trials);
    const { ms: spent } = new WorkingTime(experiment, store, () => 0);
    return { state: store.run.state().status, trials, experiment, news, spent };
  }

  /** No trial is lost, asked anew, or changed after its end. */
  private compare(trials: readonly TrialRecord[]): void {
    expect(trials.map(({ number }) => number)).toEqual(trials.map((_, i) => i));
    expect(new Set(trials.map((trial) => trial.genotypeId)).size).toBe(trials.length);
    for (const [i, before] of this.trials.entries()) {
      if (isOver(before)) expect(trials[i]).toEqual(before);
      const { genotypeId: id, seed, reason, askedAt } = before;
      expect(trials[i]).toMatchObject({ genotypeId: id, seed, reason, askedAt });
    }
  }

  private follow({ kind, trial, detail }: EventRecord, trials: readonly TrialRecord[]): void {
    if (kind === 'enqueued')
      this.enqueued.push(...(detail as readonly Enqueued[]).map((one) => genotypeId(one.genotype)));
    if (trial === null) return;
    switch (kind) {
      case 'asked': {
        expect(trial).toBe(this.asked.length);
        const { genotypeId: id } = trials[trial];
        this.asked.push(id);
        // Enqueued networks come first, in their order.
        if (this.enqueued.length > 0) expect(id).toBe(this.enqueued[0]);
        this.enqueued = this.enqueued.filter((other) => other !== id);
        break;
      }
      case 'finished':
        expect(this.finished.has(trial), `trial ${trial} finishes twice`).toBe(false);
        this.finished.add(trial);
        break;
      case 'started':
      case 'promoted':
      case 'reported':
        expect(this.asked.length, `trial ${trial} is ${kind} before it is asked`).toBeGreaterThan(trial);
        expect(this.finished.has(trial), `trial ${trial} is ${kind} after its end`).toBe(false);
    }
  }
}
