import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { expect } from 'vitest';
import { NasError } from '../../../base/errors.js';
import { loadExperiment } from '../../../experiments/parse/index.js';
import { limitsIn } from '../../../experiments/schema/run-experiment.js';
import { enqueueIn } from '../../../runner/enqueue.js';
import { measureFrontierAgain, resumeExperiment, runExperiment } from '../../../runner/index.js';
import { endChange } from '../../../runner/begin.js';
import { type RunEvent } from '../../../runner/events.js';
import { runSpecialized, specialize } from '../../../runner/specialize.js';
import { requestStop } from '../../../runner/stop.js';
import { noteIn, readNotes } from '../../../runner/stored/notes.js';
import { generationFolder, generationIn, hasRun, supernetFolder, weightsFile } from '../../../runner/stored/workdir.js';
import { frontierCandidates, plainValues } from '../../../runner/stored/candidates.js';
import { violated } from '../../../search/index.js';
import { main } from '../../cli/nas.js';
import { inside } from '../inside.js';
import { findingsOf } from '../table-experiment.js';
import { History, type Seen } from './history.js';
import { allowWrites, isRefusal, lastEvent, locked, lockFor, refuseWrites } from './place.js';
import { functionSource, supernetSource, tableSource, type Source } from './sources.js';

/** How a part of a run begins. */
type Part = 'run' | 'resume' | 'accept' | 'extend';

/** How a part of a run ends, by itself or after so many events. */
type Ending =
  | { readonly by: 'itself' }
  | { readonly by: 'signal' | 'death' | 'request'; readonly after: number }
  /** Not at all: another program keeps the database locked for a moment. */
  | { readonly by: 'lock'; readonly after: number }
  /** SIGKILL: this part is a process. */
  | { readonly by: 'kill'; readonly after: number }
  /** Other commands at the same moment: they go on side by side, or are refused. */
  | { readonly by: 'others'; readonly after: number };

type Command =
  /** `accept`: resume, and accept that inputs changed. */
  | { readonly do: 'run' | 'resume' | 'accept'; readonly ends: Ending }
  | { readonly do: 'extend'; readonly trials: string; readonly ends: Ending }
  | { readonly do: 'enqueue'; readonly depth: number; readonly kernel: string }
  | { readonly do: 'note'; readonly text: string }
  | { readonly do: 'other input'; readonly which: number }
  /** A network of the supernet for a budget in ms. */
  | { readonly do: 'specialize'; readonly budget: number }
  | { readonly do: 'old inputs' | 'other seed' | 'measure' | 'locked' };

/** Where a run has its results from: a table, a function on networks for images, or slices of a supernet. */
const sources = { table: tableSource, function: functionSource, supernet: supernetSource } as const;
type Kind = keyof typeof sources;

const some = fc.integer({ min: 1, max: 4 });

/** @param kills whether parts of the run are processes that are killed */
function commandOf(kind: Kind, kills: boolean): fc.Arbitrary<Command> {
  const after = fc.integer({ min: 0, max: 25 });
  const ends = fc.oneof(
    { weight: 20, arbitrary: fc.constant({ by: 'itself' } as const) },
    {
      weight: 60,
      arbitrary: fc.record({
        by: fc.constantFrom('signal', 'death', 'death', 'request', 'others', 'lock'),
        after,
      }),
    },
    { weight: kills ? 1 : 0, arbitrary: fc.record({ by: fc.constant('kill'), after }) },
  );
  const trials = fc.oneof(
    some.map((n) => `+${n}`),
    some.map(String),
  );
  const parts = fc.oneof(
    fc.record({ do: fc.constantFrom('run', 'resume', 'resume', 'resume', 'accept'), ends }),
    fc.record({ do: fc.constant('extend'), trials, ends }),
  );
  const others = fc.oneof(
    fc.record({ do: fc.constant('enqueue'), depth: fc.nat(3), kernel: fc.constantFrom('k3', 'k7') }),
    fc.record({ do: fc.constant('note'), text: fc.constantFrom('good', 'bad') }),
    fc.record({ do: fc.constant('other input'), which: fc.nat(2) }),
    fc.record({ do: fc.constantFrom('old inputs', 'old inputs', 'other seed', 'locked', 'measure') }),
    ...(kind === 'supernet' ? [fc.record({ do: fc.constant('specialize'), budget: fc.constantFrom(0.5, 3, 6) })] : []),
  );
  return fc.oneof({ weight: 2, arbitrary: parts }, { weight: 3, arbitrary: others }) as fc.Arbitrary<Command>;
}

const settings = {
  controller: fc.constantFrom('random', 'local'),
  order: fc.constantFrom('delayed', 'async'),
  parallel: fc.integer({ min: 1, max: 3 }),
  trials: fc.integer({ min: 1, max: 8 }),
  hours: fc.option(fc.constantFrom(0.01, 0.03), { freq: 2 }),
  constraint: fc.option(fc.constantFrom('{ min: 0.88 }', '{ min: 0.95 }'), { freq: 2 }),
  flash: fc.option(fc.constantFrom(7, 9), { freq: 2 }),
};
export const runLife = (kind: Kind, kills = false) =>
  fc.record({
    kind: fc.constant(kind),
    ...settings,
    commands: fc.array(fc.option(commandOf(kind, kills), { freq: 30 }), { minLength: 30, maxLength: 30 }),
  });
export type RunLife = ReturnType<typeof runLife> extends fc.Arbitrary<infer T> ? T : never;

const codeOf = (error: unknown): string =>
  error instanceof NasError && error.code !== 'failure' ? error.code : String(error);

/** Lives a run whose evaluations take no time, and checks after each command that all holds. */
export class LivedRun {
  private time = Date.UTC(2026, 0, 1);
  private readonly workdir: string;
  private history: History;
  /** Generations of results, each on the table that the user accepted. */
  private generation = 1;
  /** Time in which the run worked, as the life saw it. */
  private worked = 0;
  private planned: number;
  /** Which inputs have their other content now, and in what the results rest on. */
  private now: readonly boolean[];
  private accepted: readonly boolean[];
  private enqueues = 0;
  private notes = 0;
  /** The last look at each generation before this one. */
  private readonly before: Seen[] = [];
  /** Whether the controller had no more networks. */
  private exhausted = false;

  static async of(life: RunLife, folder: string): Promise<LivedRun> {
    const { controller, order, parallel, trials, hours, constraint, flash } = life;
    const stop = hours === null ? `trials: ${trials}` : `stop: { trials: ${trials}, hours: ${hours} }`;
    const search = `{ controller: ${controller}, startup: 4, order: ${order}, parallel: ${parallel}, ${stop} }`;
    return new LivedRun(life, folder, await sources[life.kind](folder, { search, constraint, flash }));
  }

  private constructor(
    private readonly life: RunLife,
    private readonly folder: string,
    private readonly source: Source,
  ) {
    this.now = this.accepted = source.inputs.map(() => false);
    this.workdir = join(folder, 'run');
    this.history = new History(this.workdir);
    this.planned = life.trials;
  }

  async live(): Promise<void> {
    for (const one of this.life.commands) if (one !== null) await this.obey(one);
    this.write(this.accepted);
    await this.obey({ do: 'run', ends: { by: 'itself' } });
    for (const [i, { trials }] of this.before.entries())
      expect(new History(join(this.workdir, generationFolder(i + 1))).look().trials).toEqual(trials);
    if (this.enqueues === 0 && this.life.hours === null) await this.compareWithWhole();
  }

  private async obey(one: Command): Promise<void> {
    switch (one.do) {
      case 'run':
      case 'resume':
      case 'accept':
        return this.goOn(one.ends, one.do);
      case 'extend':
        return this.goOn(one.ends, one.do, one.trials);
      case 'enqueue':
        return this.enqueue(one.depth, one.kernel);
      case 'note':
        return this.note(one.text);
      case 'other input':
        this.write(this.now.map((isOther, i) => isOther || i === one.which % this.now.length));
        return;
      case 'old inputs':
        this.write(this.now.map(() => false));
        return;
      case 'measure':
        return this.measure();
      case 'specialize':
        return this.specialize(one.budget);
      case 'locked':
        return this.enqueueLocked();
      case 'other seed':
        if (hasRun(this.workdir)) await this.refused(() => this.begin(['seed=77']), 'another experiment');
    }
  }

  private begin(
    set: readonly string[] = [],
    observe: (event: RunEvent) => void = () => undefined,
    signal?: AbortSignal,
  ) {
    const loaded = loadExperiment(this.source.file, { set: [...set] });
    return runExperiment(loaded, { workdir: this.workdir, ...this.options, ...(signal && { signal }) }, observe);
  }

  /** Changes what the run reads. */
  private write(now: readonly boolean[]): void {
    for (const [i, isOther] of now.entries()) if (isOther !== this.now[i]) this.source.inputs[i](isOther);
    this.now = now;
  }

  private get changed(): boolean {
    return this.now.some((isOther, i) => isOther !== this.accepted[i]);
  }

  /** The clock goes on with each look at it. */
  private get options() {
    return { workers: inside, clock: () => (this.time += 1000) };
  }

  /** Requires that a command is refused, and changes nothing. */
  private async refused(task: () => Promise<unknown>, message: string): Promise<void> {
    const existed = hasRun(this.workdir);
    if (existed) this.history.look();
    await expect(task()).rejects.toThrow(message);
    expect(hasRun(this.workdir)).toBe(existed);
    if (existed) expect(this.history.look().news).toEqual([]);
  }

  private async goOn(ends: Ending, how: Part, trials?: string): Promise<void> {
    const isNew = !hasRun(this.workdir);
    if (isNew && how !== 'run')
      return this.refused(() => this.resume(undefined, () => undefined), 'there is no run here');
    if (isNew) this.accepted = this.now;
    const before = isNew ? null : this.history.look();
    if (before !== null) {
      const isComplete = before.state === 'complete' && trials === undefined;
      if (this.changed && how === 'accept') this.begins(before);
      else if (this.changed && !isComplete)
        return this.refused(() => this.resume(trials, () => undefined), 'what the run reads changed');
      const asked = before.trials.length;
      if (trials !== undefined) {
        const wanted = trials.startsWith('+') ? this.planned + Number(trials) : Number(trials);
        if (wanted < asked) return this.refused(() => this.resume(trials, () => undefined), 'trials already');
        if (wanted !== this.planned && this.isOutOfTime)
          return this.refused(() => this.resume(trials, () => undefined), 'hours of the search');
        this.planned = wanted;
      }
    }
    const { error, outcome } =
      ends.by === 'kill' ? await this.kill(ends.after, how, trials) : await this.attempt(ends, how, trials);
    if (!hasRun(this.workdir)) return;
    endChange(this.workdir);
    // Killed before the next generation began.
    if (ends.by === 'kill' && generationIn(this.workdir) < this.generation)
      return this.goOn({ by: 'itself' }, 'accept');
    allowWrites(this.workdir);
    expect(generationIn(this.workdir)).toBe(this.generation);
    const after = this.history.look();
    this.account(after);
    if (how !== 'extend') expect(after.news.map(({ kind }) => kind)).not.toContain('extended');
    this.planned = after.experiment.search.trials;
    this.judge(ends, after, outcome, error);
  }

  /** One part of the run, until its ending. */
  private async attempt(ends: Ending, how: Part, trials: string | undefined) {
    const stop = new AbortController();
    let seen = 0;
    let isDone = false;
    const others: Promise<void>[] = [];
    const observe = (event: RunEvent): void => {
      if (/the search ends after \d+ trials/.test('message' in event ? (event.message ?? '') : ''))
        this.exhausted = true;
      if (event.kind === 'begun' && ends.by === 'death') refuseWrites(this.workdir, ends.after);
      if (ends.by === 'itself' || isDone || seen++ < ends.after) return;
      // Before a run is stored, other processes find none.
      if (ends.by !== 'signal' && !hasRun(this.workdir)) return;
      isDone = true;
      if (ends.by === 'signal') stop.abort();
      if (ends.by === 'lock') lockFor(this.workdir, 20);
      if (ends.by === 'request') requestStop(this.workdir);
      if (ends.by === 'others') others.push(this.beside());
    };
    try {
      const { state } =
        how === 'run'
          ? await this.begin([], observe, stop.signal)
          : await this.resume(trials, observe, stop.signal, how === 'accept');
      return { outcome: state, error: null };
    } catch (error) {
      return { outcome: null, error };
    } finally {
      await Promise.all(others);
    }
  }

  /** One part of the run as a process, which is killed after so many events, unless it ends before. */
  private async kill(after: number, how: Part, trials: string | undefined) {
    const args =
      how === 'run'
        ? ['run', this.source.file, '--workdir', this.workdir]
        : [
            'resume',
            this.workdir,
            ...(how === 'accept' ? ['--accept-data'] : []),
            ...(trials ? ['--trials', trials] : []),
          ];
    const before = lastEvent(this.workdir);
    const child = spawn(process.execPath, [main, ...args], { stdio: 'ignore' });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    while (child.exitCode === null && lastEvent(this.workdir) <= before + after) await setTimeout(1);
    child.kill('SIGKILL');
    const code = await ended;
    return {
      outcome: code === 0 ? 'complete' : null,
      error: code === 3 ? new NasError('infeasible', 'exit code 3') : null,
    };
  }

  /** While the run goes on in this process, nobody else may continue it, but anybody may look, write notes and enqueue. */
  private async beside(): Promise<void> {
    await expect(this.resume(undefined, () => undefined)).rejects.toThrow('is working here');
    await this.note('beside');
    await this.enqueue(2, 'k5');
  }

  private resume(
    trials: string | undefined,
    observe: (event: RunEvent) => void,
    signal?: AbortSignal,
    acceptData = false,
  ) {
    return resumeExperiment(
      this.workdir,
      { ...(trials !== undefined && { trials }), acceptData, ...this.options, ...(signal && { signal }) },
      observe,
    );
  }

  private get isOutOfTime(): boolean {
    return this.life.hours !== null && this.worked >= this.life.hours * 3_600_000;
  }

  /** The time from the first to the last event of this part is work; networks are enqueued at any time. */
  private account({ news, spent }: Seen): void {
    const own = news.filter(({ kind }) => kind !== 'enqueued');
    const first = own.findIndex(({ kind }) => kind === 'created' || kind === 'resumed');
    if (first >= 0) this.worked += own[own.length - 1].at - own[first].at;
    expect(spent).toBe(this.worked);
  }

  private judge(ends: Ending, { state, trials, experiment }: Seen, outcome: string | null, error: unknown): void {
    for (const { state: own, values } of trials)
      if (own === 'complete') expect(violated(limitsIn(experiment), plainValues(values))).toEqual([]);
    const open = trials.filter((trial) => trial.state === 'waiting' || trial.state === 'running').length;
    if (ends.by === 'kill' && outcome === null && error === null) return;
    // Failed: a transaction of several events was refused, and the shorter one of its failure was not.
    if (ends.by === 'death' && (state === 'died' || (state === 'failed' && isRefusal(error)))) {
      // The user hears of the first error.
      expect(isRefusal(error) || codeOf(error) === 'infeasible').toBe(true);
      return;
    }
    if (outcome === 'interrupted') {
      expect(['signal', 'request']).toContain(ends.by);
      expect(state).toBe('interrupted');
      return;
    }
    const isGood = frontierCandidates(trials, experiment.objectives).length > 0;
    expect({ outcome, code: error === null ? null : codeOf(error), state, open }).toEqual(
      isGood || trials.length === 0
        ? { outcome: 'complete', code: null, state: 'complete', open: 0 }
        : { outcome: null, code: 'infeasible', state: 'infeasible', open: 0 },
    );
    if (trials.length < this.planned) expect(this.isOutOfTime || this.exhausted).toBe(true);
  }

  /** The next generation begins: its history is its own, and its first networks are the frontier of the one before. */
  private begins(before: Seen): void {
    this.accepted = this.now;
    this.before.push(before);
    this.generation++;
    this.history = new History(this.workdir);
    this.worked = 0;
    this.exhausted = false;
    this.enqueues++;
  }

  private async enqueue(depth: number, kernel: string): Promise<void> {
    if (!hasRun(this.workdir))
      return this.refused(() => enqueueIn(this.workdir, this.source.choices(depth, kernel)), 'there is no run here');
    if (this.changed) return;
    try {
      await enqueueIn(this.workdir, this.source.choices(depth, kernel));
      this.enqueues++;
    } catch (error) {
      if (!isRefusal(error)) expect(String(error)).toMatch(/has this network already|enqueued already/);
    }
  }

  /** While another program keeps the database locked, nothing is enqueued. */
  private async enqueueLocked(): Promise<void> {
    if (!hasRun(this.workdir)) return;
    const choices = this.source.choices(1, 'k3');
    await this.refused(
      () => locked(this.workdir, () => enqueueIn(this.workdir, choices, undefined, { patience: 0 })),
      'another process keeps the database locked',
    );
  }

  /** Measures the frontier again: of a table of latencies, all stay as they are. */
  private async measure(): Promise<void> {
    const measuring = () => measureFrontierAgain(this.workdir, {}, () => undefined);
    if (!hasRun(this.workdir)) return this.refused(measuring, 'there is no run here');
    if (this.life.kind === 'table') return this.refused(measuring, 'has no networks');
    const { trials, experiment } = this.history.look();
    if (frontierCandidates(trials, experiment.objectives).length === 0)
      return this.refused(measuring, 'there is no frontier yet');
    if (this.now[1] !== this.accepted[1]) return this.refused(measuring, 'in another environment before');
    const measured = await measuring();
    for (const { before, measurement } of measured) expect(measurement.ms).toBe(before);
    expect(this.history.look().trials).toEqual(trials);
  }

  /** Searches the supernet for a budget; its frontier keeps budget and constraints of the run. */
  private async specialize(latencyMs: number): Promise<void> {
    const workdir = join(this.folder, 'special');
    const derive = () => specialize(this.workdir, { latencyMs, trials: 2, workdir });
    if (!hasRun(this.workdir)) return this.refused(() => Promise.resolve().then(derive), 'holds no run');
    if (!existsSync(join(this.workdir, supernetFolder, weightsFile)))
      return this.refused(() => Promise.resolve().then(derive), 'is not trained to its end');
    const run = () => runSpecialized(derive(), { ...this.options, fresh: true }, () => undefined);
    // Its trainings are over: it does not read the teacher, and latencies are its own.
    if (this.now[0] !== this.accepted[0]) return this.refused(run, 'what the run reads changed');
    const outcome = await run().then(({ state }) => state, codeOf);
    const { trials, experiment } = new History(workdir).look();
    const limits = [...experiment.objectives, ...limitsIn(experiment)];
    expect(limitsIn(experiment)).toEqual(limitsIn(this.history.look().experiment));
    for (const { state, values } of trials)
      if (state === 'complete') expect(violated(limits, plainValues(values))).toEqual([]);
    expect(outcome).toBe(frontierCandidates(trials, experiment.objectives).length > 0 ? 'complete' : 'infeasible');
  }

  private note(text: string): Promise<void> {
    const change = { trial: null, text };
    if (!hasRun(this.workdir)) expect(() => noteIn(this.workdir, change)).toThrow('there is no run here');
    else {
      noteIn(this.workdir, change);
      this.notes++;
      expect(readNotes(this.workdir)).toMatchObject({ notes: [{ trial: null, text }], damaged: 0 });
    }
    return Promise.resolve();
  }

  /** However it was cut in parts, a run with delayed feedback finds what one finds that had all its trials from the start. */
  private async compareWithWhole(): Promise<void> {
    if (this.life.order !== 'delayed') return;
    const whole = join(this.folder, 'whole');
    await runExperiment(
      loadExperiment(this.source.file, { set: [`search.trials=${this.planned}`] }),
      { workdir: whole, ...this.options },
      () => undefined,
    ).catch((error: unknown) => {
      expect(codeOf(error)).toBe('infeasible');
    });
    const found = (workdir: string) =>
      findingsOf(workdir).trials.map(({ genotypeId, seed, reason, state, values }) => ({
        genotypeId,
        seed,
        reason,
        state,
        values,
      }));
    expect(found(this.workdir)).toEqual(found(whole));
  }
}
