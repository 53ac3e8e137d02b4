import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../experiments/parse/index.js';
import { resumeExperiment, runExperiment } from '../../runner/index.js';
import { type RunEvent, type RunObserver } from '../../runner/events.js';
import { nasInside, expectRefusal } from '../cli/nas.js';
import { findingsOf, rows, writeTable } from './table-experiment.js';
import { cachedFolder } from './experiment.js';
import { interrupted, trialsFinished } from './inside.js';

const folder = cachedFolder();

let made = 0;
const fresh = (): string => join(folder, String(made++));

async function run(file: string, workdir: string, set: readonly string[] = [], observe: RunObserver = () => undefined) {
  await runExperiment(loadExperiment(file, { set }), { workdir }, observe);
  return findingsOf(workdir);
}

const secondsOf = (choices: Readonly<Record<string, unknown>>): number =>
  rows.find(
    ({ depth, kernel, act }) => depth === choices['depth'] && kernel === choices['kernel'] && act === choices['act'],
  )?.secs ?? NaN;

const parallel = ['search.parallel=4', 'search.order=async'];

describe('a run on a table', () => {
  it('takes simulated time: each trial its seconds, with all workers busy', async () => {
    const { file } = writeTable(fresh());
    const { trials, status } = await run(file, fresh(), parallel);
    expect(status).toBe('complete');
    expect(trials).toHaveLength(30);
    for (const { choices, started, finished, asked } of trials) {
      expect((finished ?? 0) - (started ?? 0)).toBe(1000 * secondsOf(choices));
      expect(started).toBe(asked);
    }
    const ends = trials.map(({ finished }) => finished ?? 0);
    for (const [n, { started }] of trials.entries()) {
      // As soon as the fourth latest of those before has ended, the next is begun.
      const free = n < 4 ? 0 : ends.slice(0, n).toSorted((a, b) => b - a)[3];
      expect(started).toBe(free);
    }
  });

  it('knows in asynchronous order only what has ended by then', async () => {
    const { file } = writeTable(fresh());
    const { trials } = await run(file, fresh(), parallel);
    for (const { asked, pending, number } of trials) {
      const before = trials.slice(0, number);
      const running = before.filter(({ finished }) => (finished ?? 0) > (asked ?? 0)).map((trial) => trial.number);
      expect(pending).toEqual(expect.arrayContaining(running));
      // A trial that ends at this very moment may become known after the next is asked.
      for (const other of pending) expect(trials[other].finished).toBeGreaterThanOrEqual(asked ?? 0);
    }
  });

  it('finds the same in both orders when one trial runs at a time', async () => {
    const { file } = writeTable(fresh());
    const [delayed, async] = [await run(file, fresh()), await run(file, fresh(), ['search.order=async'])];
    expect(async).toEqual(delayed);
  });

  it.each([['delayed'], ['async']])(
    'killed anywhere and resumed, it finds the same at the same times (%s)',
    async (order) => {
      const { file } = writeTable(fresh());
      const set = ['search.parallel=3', `search.order=${order}`];
      const workdir = fresh();
      const copies: string[] = [];
      // The files after a kill at this moment.
      const snapshot: RunObserver = ({ kind }: RunEvent) => {
        if (kind !== 'trial-asked' && kind !== 'trial-finished') return;
        const copy = fresh();
        mkdirSync(copy);
        for (const name of readdirSync(workdir).filter((entry) => entry.startsWith('nas.sqlite')))
          cpSync(join(workdir, name), join(copy, name));
        copies.push(copy);
      };
      const whole = await run(file, workdir, set, snapshot);
      expect(copies.length).toBe(60);
      for (const copy of copies.filter((_, i) => i % 13 === 0)) {
        await resumeExperiment(copy, {}, () => undefined);
        expect(findingsOf(copy)).toEqual(whole);
      }
    },
  );

  it('stopped in between and resumed, it finds the same at the same times', async () => {
    const { file } = writeTable(fresh());
    const whole = await run(file, fresh(), parallel);
    const workdir = fresh();
    await interrupted(loadExperiment(file, { set: parallel }), workdir, trialsFinished(11));
    expect(findingsOf(workdir).trials.filter(({ state: s }) => s === 'complete')).toHaveLength(11);
    await resumeExperiment(workdir, {}, () => undefined);
    expect(findingsOf(workdir)).toEqual(whole);
  });

  it('does not go on with another content of the table', async () => {
    const directory = fresh();
    const { file } = writeTable(directory);
    const workdir = fresh();
    await interrupted(loadExperiment(file), workdir, trialsFinished(1));
    writeTable(directory, { change: (row) => ({ ...row, acc: row.acc / 2 }) });
    await expect(resumeExperiment(workdir, {}, () => undefined)).rejects.toThrow(
      /space\.file: the table .*results\.csv has another content/,
    );
  });

  it('can be looked at with every command, axes titled by the objectives', async () => {
    const { file } = writeTable(fresh());
    const workdir = fresh();
    const ended = await nasInside(['run', file, '--workdir', workdir]);
    expect(ended).toMatchObject({ code: 0 });
    const svg = readFileSync(join(workdir, 'frontier.svg'), 'utf8');
    expect(svg).toContain('>phone<');
    expect(svg).toContain('>top-1<');
    expect(readFileSync(join(workdir, 'report.html'), 'utf8')).toContain('of simulated time');
    const csv = (await nasInside(['trials', workdir, '--format', 'csv'])).out.trim().split('\n');
    expect(csv[0]).toBe('trial,state,depth,kernel,act,top-1,phone');
    for (const line of csv.slice(1)) {
      const [, state, depth, kernel, act, acc, ms] = line.split(',');
      expect(state).toBe('complete');
      expect(rows).toContainEqual(
        expect.objectContaining({ depth: Number(depth), kernel, act, acc: Number(acc), ms: Number(ms) }),
      );
    }
    const show = (await nasInside(['show', workdir, '0'])).out;
    expect(show).toMatch(/phone +[\d.]+ \(imported\)/);
    expect((await nasInside(['status', workdir])).out).toContain('30 of 30 complete');
    expect(JSON.parse((await nasInside(['pareto', workdir, '--json'])).out)).toMatchObject({
      run: { evaluation: 'table' },
      objectives: [{ name: 'top-1', column: 'acc' }, { name: 'phone' }],
    });
    await expectRefusal(
      nasInside(['export', workdir, '--trial', '0', '--to', 'onnx', '-o', fresh()]),
      'has no networks',
    );
    expect((await nasInside(['space', file])).out).toContain('48');
    expect((await nasInside(['validate', file])).out).toContain('30 trials in a table among 48 networks');
  });
});

describe('on a table, it ends', () => {
  const outcome = async (files: { readonly file: string }, ...args: readonly string[]) => {
    const workdir = fresh();
    const ended = await nasInside(['run', files.file, '--workdir', workdir, ...args]);
    const found = existsSync(join(workdir, 'nas.sqlite')) ? findingsOf(workdir) : { status: null, trials: [] };
    return { ...ended, workdir, ...found };
  };

  it('with exit code 3 when no row keeps a cheap constraint', async () => {
    await expectRefusal(
      outcome(writeTable(fresh()), '--set', 'objectives.1.constraint={max: 0.5}'),
      /phone rejected 48 \(smallest seen 1, max 0.5\)/,
      3,
    );
  });

  it('with exit code 3, and all that was found, when none keeps an expensive one', async () => {
    const found = await outcome(writeTable(fresh()), '--set', 'objectives.0.constraint={min: 0.95}');
    expect(found.err).toContain('none of 30 trials keeps the constraints: top-1 of 30 (largest 0.9, min 0.95)');
    expect(found).toMatchObject({ code: 3, status: 'infeasible' });
    expect(found.trials).toHaveLength(30);
    expect(existsSync(join(found.workdir, 'report.html'))).toBe(true);
  });

  it('well, with a note, when the table is smaller than the budget', async () => {
    const { code, err, trials } = await outcome(writeTable(fresh()), '--set', 'search.trials=100');
    expect(code).toBe(0);
    expect(err).toMatch(/all 48 networks .* were tried; the search ends after 48 trials/);
    expect(trials).toHaveLength(48);
  });

  it('with exit code 1 when every evaluation failed', async () => {
    const { code, err, status } = await outcome(writeTable(fresh(), { change: (row) => ({ ...row, acc: 'NaN' }) }));
    expect(err).toMatch(/all 30 trials failed; trial 0: top-1: not a number in line \d+/);
    expect({ code, status }).toEqual({ code: 1, status: 'failed' });
  });

  it('with exit code 3 when some failed and the others break a constraint, saying both', async () => {
    const change = (row: (typeof rows)[number], i: number) => (i % 2 === 0 ? { ...row, acc: 'nan' } : row);
    const bound = ['--set', 'objectives.0.constraint={min: 0.95}', '--set', 'search.trials=48'];
    const { code, err } = await outcome(writeTable(fresh(), { change }), ...bound);
    expect(err).toMatch(/top-1 of 24 \(largest .*, min 0.95\); 24 of 48 trials failed; trial \d+: top-1: not a number/);
    expect(code).toBe(3);
  });

  it('well when some evaluations failed', async () => {
    const change = (row: (typeof rows)[number], i: number) => (i % 2 === 0 ? { ...row, acc: 'nan' } : row);
    const { code, trials } = await outcome(writeTable(fresh(), { change }), '--set', 'search.trials=48');
    expect(code).toBe(0);
    expect(trials.filter(({ state }) => state === 'failed')).toHaveLength(24);
  });

  it('well with an accuracy in percent, a single objective, or one called trial', async () => {
    const change = (row: (typeof rows)[number]) => ({ ...row, acc: 100 * row.acc });
    const lines = ['objectives: [{ name: accuracy, column: acc, direction: maximize }]'];
    const found = await outcome(writeTable(fresh(), { change, lines }));
    expect(found).toMatchObject({ code: 0, out: expect.stringMatching(/accuracy\n +\d+ +90\n/) as string });
    const named = [
      'objectives: [{ name: trial, column: acc, direction: maximize }, { name: ms, direction: minimize }]',
    ];
    const { code, workdir } = await outcome(writeTable(fresh(), { lines: named }));
    expect(code).toBe(0);
    expect(readFileSync(join(workdir, 'frontier.svg'), 'utf8')).toContain('Trial against ms');
  });

  it.each([
    ['space.file=nowhere.csv', 'space.file: there is no file or folder'],
    ['space.decisions=[depth, kernle, act]', 'space: ', "has no column 'kernle'; did you mean 'kernel'?"],
    ['space.decisions=[depth, kernel]', 'space: ', 'have the same decisions'],
    ['space.decisions=[depth, depth]', 'space.decisions: ', 'lists a column twice'],
    ['space.seconds=act', 'space.seconds: ', 'expected a number'],
    ['objectives.1.column=mss', 'objectives.1.column: ', "did you mean 'ms'?"],
    ['objectives.1.column=kernel', 'objectives.1.column: ', 'is "k3"; expected a number'],
    ['objectives.1.direction=down', 'objectives.1.direction: ', 'one of maximize or minimize'],
    ['objectives.1.constraint={min: 2, max: 1}', 'objectives.1.constraint: ', 'nothing can satisfy both'],
    ['data=fashion-mnist', 'data: ', 'nothing is trained or measured'],
    ['latency.budget_ms=2', 'latency: ', 'nothing is trained or measured'],
    ['teacher=train', 'teacher: ', 'remove it'],
  ])('with exit code 2 before anything is written: %s', async (set, ...messages) => {
    const { file } = writeTable(fresh());
    const workdir = fresh();
    const { code, err } = await nasInside(['run', file, '--workdir', workdir, '--set', set]);
    for (const message of messages) expect(err).toContain(message);
    expect(code).toBe(2);
    expect(existsSync(workdir)).toBe(false);
  });
});
