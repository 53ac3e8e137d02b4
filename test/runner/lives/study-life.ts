import { join } from 'node:path';
import fc from 'fast-check';
import { expect } from 'vitest';
import { parseExperiment, type LoadedExperiment } from '../../../experiments/parse/index.js';
import { enqueueIn } from '../../../runner/enqueue.js';
import { resumeExperiment } from '../../../runner/index.js';
import { Study } from '../../../runner/study.js';
import { smallSpace } from '../experiment.js';
import { History, type Seen } from './history.js';
import { allowWrites, isRefusal, refuseWrites } from './place.js';

/** Programs that have the study open at the same time. */
const askers = ['first', 'second'] as const;
type Asker = (typeof askers)[number];

/** After so many events, no write of a command is possible: its process dies, or the disk is full until it has ended. */
type Trouble = { readonly of: 'death' | 'disk'; readonly after: number } | null;

type Command =
  | { readonly do: 'ask'; readonly by: Asker; readonly trouble: Trouble }
  | {
      readonly do: 'tell';
      readonly by: Asker;
      readonly which: number;
      readonly fails: boolean;
      readonly trouble: Trouble;
    }
  | { readonly do: 'tell anything'; readonly by: Asker; readonly trial: number }
  | { readonly do: 'open'; readonly by: Asker }
  | { readonly do: 'extend'; readonly trials: string }
  | { readonly do: 'enqueue'; readonly kernel: 3 | 5; readonly expand: 2 | 3 }
  /** The clock goes on, or is set back. */
  | { readonly do: 'wait'; readonly hours: number };

const by = fc.constantFrom(...askers);
const trouble: fc.Arbitrary<Trouble> = fc.option(
  fc.record({ of: fc.constantFrom('death', 'disk'), after: fc.integer({ min: 0, max: 3 }) }),
  { freq: 2 },
);
const quiet: fc.Arbitrary<Trouble> = fc.constant(null);

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('ask'), by, trouble: fc.oneof(quiet, quiet, trouble) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('tell'),
      by,
      which: fc.nat(5),
      fails: fc.oneof(fc.constant(false), fc.constant(false), fc.boolean()),
      trouble: fc.oneof(quiet, quiet, trouble),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('tell anything'), by, trial: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('open'), by }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('extend'), trials: fc.constantFrom('+1', '+2', '3', '6') }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('enqueue'), kernel: fc.constantFrom(3, 5), expand: fc.constantFrom(2, 3) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait'), hours: fc.constantFrom(0.5, 1, 3, -1) }) },
) as fc.Arbitrary<Command>;

export const studyLife = fc.record({
  kind: fc.constant('study'),
  controller: fc.constantFrom('random', 'local'),
  fidelity: fc.oneof(fc.constant('none'), fc.constant('none'), fc.constant('freeze-thaw')),
  trials: fc.integer({ min: 1, max: 6 }),
  hours: fc.option(fc.constantFrom(1, 4), { freq: 2 }),
  commands: fc.array(fc.option(command, { freq: 30 }), { minLength: 30, maxLength: 30 }),
});
export type StudyLife = typeof studyLife extends fc.Arbitrary<infer T> ? T : never;

const msPerHour = 3_600_000;
const epochs = 9;

/** Lives a study with two open programs and others that come and go; checks after each command that all holds. */
export class LivedStudy {
  private readonly loaded: LoadedExperiment;
  private readonly workdir: string;
  private readonly history: History;
  private readonly studies = new Map<Asker, Study>();
  private now = Date.UTC(2026, 0, 1);
  /** The networks that programs evaluate, and their epochs. */
  private readonly out = new Map<number, number>();
  /** Values of trials that were told to their end. */
  private readonly told = new Map<number, number | null>();
  private asked = 0;
  private planned: number;
  /** Time in which programs evaluated networks, as the life saw it; and since when they do. */
  private worked = 0;
  private since: number | null = null;

  constructor(
    private readonly life: StudyLife,
    folder: string,
  ) {
    const { controller, fidelity, trials, hours } = life;
    const stop = hours === null ? `trials: ${trials}` : `stop: { trials: ${trials}, hours: ${hours} }`;
    const halving = fidelity === 'none' ? '' : ', fidelity: { type: freeze-thaw, eta: 3 }';
    const text = [
      'name: studied',
      `space: ${JSON.stringify(smallSpace)}`,
      `evaluate: { type: tell, input: [16, 16, 1], classes: 3, epochs: ${epochs} }`,
      'objectives: [accuracy, macs]',
      `search: { controller: ${controller}, startup: 4, ${stop}${halving} }`,
      '',
    ].join('\n');
    this.loaded = parseExperiment(join(folder, 'study.yaml'), text);
    this.workdir = join(folder, 'study');
    this.history = new History(this.workdir);
    this.planned = trials;
  }

  async live(): Promise<void> {
    try {
      for (const asker of askers) await this.open(asker);
      for (const one of this.life.commands)
        if (one !== null) {
          await this.obey(one);
          await this.check();
        }
      await this.end();
    } finally {
      for (const study of this.studies.values()) study.close();
    }
  }

  private get isOutOfTime(): boolean {
    return this.life.hours !== null && this.workedUntil(this.now) >= this.life.hours * msPerHour;
  }

  private workedUntil(moment: number): number {
    return this.worked + (this.since === null ? 0 : Math.max(0, moment - this.since));
  }

  /** An event is stored now. */
  private pass(): void {
    this.worked = this.workedUntil(this.now);
    this.since = this.out.size > 0 ? this.now : null;
  }

  private async obey(one: Command): Promise<void> {
    switch (one.do) {
      case 'ask':
        return this.ask(one.by, one.trouble);
      case 'tell': {
        const trial = [...this.out.keys()].at(one.which % Math.max(1, this.out.size));
        return trial === undefined ? undefined : this.tell(one.by, trial, one.fails, one.trouble);
      }
      case 'tell anything':
        if (!this.out.has(one.trial))
          await expect(this.study(one.by).tell(one.trial, { accuracy: 0.5 })).rejects.toThrow(/already|was not asked/);
        return;
      case 'open':
        return this.open(one.by);
      case 'extend':
        return this.extend(one.trials);
      case 'enqueue':
        return this.enqueue(one.kernel, one.expand);
      case 'wait':
        this.now += one.hours * msPerHour;
    }
  }

  private study(asker: Asker): Study {
    const study = this.studies.get(asker);
    if (study === undefined) throw new Error(`${asker} is not open`);
    return study;
  }

  /** A program begins, or dies and begins anew. */
  private async open(asker: Asker): Promise<void> {
    this.studies.get(asker)?.close();
    this.studies.set(asker, await Study.open(this.loaded, this.workdir, { clock: () => this.now }));
  }

  /** Runs an operation of a program that writes may fail. @returns null when they did */
  private async troubled<T>(asker: Asker, { of, after }: NonNullable<Trouble>, task: () => Promise<T>) {
    refuseWrites(this.workdir, after);
    try {
      return { result: await task() };
    } catch (error) {
      expect(isRefusal(error), String(error)).toBe(true);
      return null;
    } finally {
      allowWrites(this.workdir);
      if (of === 'death') await this.open(asker);
    }
  }

  private async ask(asker: Asker, trouble: Trouble): Promise<void> {
    const study = this.study(asker);
    if (trouble !== null) {
      await this.troubled(asker, trouble, () => study.ask());
      return void this.learn();
    }
    const trial = await study.ask();
    this.learn();
    if (trial !== null) expect(this.out.get(trial.number)).toBe(trial.epochs);
    else if (this.life.fidelity === 'none') expect(this.asked >= this.planned || this.isOutOfTime).toBe(true);
  }

  private async tell(asker: Asker, trial: number, fails: boolean, trouble: Trouble): Promise<void> {
    const study = this.study(asker);
    const accuracy = (trial % 7) / 10;
    const task = () => study.tell(trial, fails ? { failed: 'too hot' } : { accuracy });
    if (trouble !== null && (await this.troubled(asker, trouble, task)) === null) return void this.learn();
    if (trouble === null) await task();
    if (fails || this.out.get(trial) === epochs) this.told.set(trial, fails ? null : accuracy);
    this.learn();
    expect(this.out.has(trial), `trial ${trial} is told and still out`).toBe(false);
  }

  /** Takes in what a command stored, and by that what is out; the rest is the life's own knowledge. */
  private learn(): Seen {
    const seen = this.history.look();
    for (const { kind, trial, detail } of seen.news) {
      if (kind === 'enqueued') continue;
      if (trial !== null && (kind === 'asked' || kind === 'promoted')) {
        expect(this.out.has(trial), `trial ${trial} is asked while it is out`).toBe(false);
        const promoted = kind === 'promoted' ? (detail as { readonly epochs: number }).epochs : undefined;
        this.out.set(trial, promoted ?? (this.life.fidelity === 'none' ? epochs : 1));
        if (kind === 'asked') this.asked++;
      }
      if (trial !== null && (kind === 'reported' || kind === 'finished')) this.out.delete(trial);
      this.pass();
    }
    return seen;
  }

  private async extend(trials: string): Promise<void> {
    const wanted = trials.startsWith('+') ? this.planned + Number(trials) : Number(trials);
    const extended = resumeExperiment(this.workdir, { trials, clock: () => this.now }, () => undefined);
    if (wanted < this.asked) await expect(extended).rejects.toThrow('trials already');
    // The time until the last event counts: nobody may be evaluating any more.
    else if (wanted !== this.planned && this.life.hours !== null && this.worked >= this.life.hours * msPerHour)
      await expect(extended).rejects.toThrow('hours of the search');
    else {
      await extended;
      this.planned = wanted;
    }
    this.learn();
  }

  private async enqueue(kernel: number, expand: number): Promise<void> {
    const enqueued = enqueueIn(this.workdir, { 'stage1.kernel': kernel, 'stage1.expand': expand });
    await enqueued.catch((error: unknown) =>
      expect(String(error)).toMatch(/has this network already|enqueued already/),
    );
  }

  /** Each program knows the same, whichever wrote it. */
  private async check(): Promise<void> {
    const { trials, spent } = this.learn();
    expect(spent).toBe(this.worked);
    expect(trials).toHaveLength(this.asked);
    for (const asker of askers) {
      const study = this.study(asker);
      const pending = await study.pending();
      expect(pending.map(({ number, epochs: of }) => [number, of])).toEqual([...this.out].sort(([a], [b]) => a - b));
      expect(await study.progress()).toEqual({ asked: this.asked, of: this.planned });
    }
    for (const [trial, accuracy] of this.told) {
      expect(trials[trial].state).toBe(accuracy === null ? 'failed' : 'complete');
      if (accuracy !== null) expect(trials[trial].values['accuracy'].value).toBe(accuracy);
    }
  }

  /** Tells all that is out and asks until nothing is left. */
  private async end(): Promise<void> {
    for (let last = false; !last;) {
      for (const trial of this.out.keys()) await this.tell('first', trial, false, null);
      await this.ask('second', null);
      last = this.out.size === 0;
    }
    await this.check();
    expect(this.history.look().state).toBe('complete');
  }
}
