import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { benchSearch } from '../../bench/search-table.js';
import { curvesCsv, quartilesOf, summarise } from '../../bench/search-table/summary.js';
import { Problem } from '../../bench/search-table/task.js';
import { loadResults } from '../../runner/models/table-results.js';
import { hypervolume, type Objective } from '../../search/index.js';
import { nasInside, expectRefusal } from '../cli/nas.js';
import { rows, writeTable } from '../runner/table-experiment.js';
import { sharedFolder } from '../support/temporary.js';

const folder = sharedFolder();
const { file, csv } = writeTable(folder);

const objectives = [
  { name: 'acc', column: 'acc', direction: 'maximize', cost: 'expensive' },
  { name: 'ms', column: 'ms', direction: 'minimize', cost: 'cheap' },
] as const;

const space = { type: 'table', file: csv, decisions: ['depth', 'kernel', 'act'] } as const;

const problemOf = async (goals: readonly (Objective & { readonly column: string })[] = objectives) =>
  new Problem(
    await loadResults({ space: { ...space, decisions: [...space.decisions] }, objectives: [...goals] }),
    goals,
  );

describe('the share of the hypervolume', () => {
  it('uses min-max scaled values and the reference (1, 1)', async () => {
    const problem = await problemOf();
    const range = (of: (row: (typeof rows)[number]) => number) => [
      Math.min(...rows.map(of)),
      Math.max(...rows.map(of)),
    ];
    const [lowAcc, highAcc] = range(({ acc }) => acc);
    const [lowMs, highMs] = range(({ ms }) => ms);
    const points = rows.map(({ acc, ms }) => [(highAcc - acc) / (highAcc - lowAcc), (ms - lowMs) / (highMs - lowMs)]);
    const whole = hypervolume(points, [1, 1]);
    const order = fc.array(fc.nat(rows.length - 1), { maxLength: 20 });
    fc.assert(
      fc.property(order, (evaluated) => {
        const expected = evaluated.map(
          (_, n) =>
            hypervolume(
              evaluated.slice(0, n + 1).map((row) => points[row]),
              [1, 1],
            ) / whole,
        );
        for (const [n, share] of problem.curve(evaluated).entries()) expect(share).toBeCloseTo(expected[n], 12);
      }),
    );
    expect(problem.curve([...rows.keys()]).at(-1)).toBeCloseTo(1, 12);
    expect(problem.curve([...problem.front]).at(-1)).toBeCloseTo(1, 12);
  });

  it('ignores infeasible rows, and is 1 when there is nothing to find', async () => {
    const [acc, ms] = objectives;
    const limited = await problemOf([acc, { ...ms, constraint: { max: 2 } }]);
    const slow = rows.findIndex((row) => row.ms > 2);
    expect(limited.curve([slow])).toEqual([0]);
    const impossible = await problemOf([acc, { ...ms, constraint: { max: 0.1 } }]);
    expect(impossible.curve([0])).toEqual([1]);
    expect(impossible.front.size).toBe(0);
  });
});

describe('a summary', () => {
  const search = (curve: number[]) => ({ curve, found: curve.map((_, n) => n), askMs: 2, ended: null });

  it('averages quartiles over seeds over devices; ended searches stay constant', () => {
    const summary = summarise('x', 3, [
      { name: 'a', seeds: [search([0.1, 0.995]), search([0.3, 0.4, 0.5]), search([0.5, 0.995, 1])] },
      { name: 'b', seeds: [search([0, 0, 0.1])] },
    ]);
    expect(summary.curve.map(({ median }) => median)).toEqual([0.15, 0.4975, 0.5475]);
    expect(summary.curve[0].low).toBeCloseTo((0.2 + 0) / 2);
    expect(summary.to99).toEqual({ evaluations: 2, variants: [1, 2], searches: [2, 4] });
    expect(summary.askMs).toBe(2);
    expect(curvesCsv([summary]).split('\n')).toContain('x,mean,2,0.34875,0.4975,0.4975');
  });

  it('has quartiles of infinite values', () => {
    expect(quartilesOf([Infinity, 1, Infinity]).median).toBe(Infinity);
    expect(quartilesOf([1, 2, 3, Infinity])).toMatchObject({ low: 1.75, median: 2.5 });
  });
});

describe('the comparison of controllers on a table', () => {
  const settings = ['--seeds', '2', '--at', '10,20', '--controllers', 'random,local'];
  const common = [...settings, '--budget', '20'];
  const bench = (...args: readonly string[]) => nasInside(args, benchSearch);

  let written: Awaited<ReturnType<typeof bench>>;
  beforeAll(async () => {
    written = await bench(file, ...common, '--json', '--workers', '1');
  });

  const curvesOf = (json: string): unknown => {
    const { methods } = JSON.parse(json) as { methods: { method: string; curve: unknown; found: number }[] };
    return methods.map(({ method, curve, found }) => ({ method, curve, found }));
  };

  it('does not depend on table or experiment', async () => {
    const goals = ['--objectives', 'acc:max:expensive,ms:min:cheap', '--decisions', 'depth,kernel,act'];
    const one = await bench('--table', csv, ...goals, ...common, '--json', '--workers', '1');
    expect(one.code).toBe(0);
    expect(curvesOf(written.out)).toEqual(curvesOf(one.out));
  });

  it('writes the curves, and reports exhausted tables', async () => {
    const output = join(folder, 'curves');
    const wide = ['--budget', '60', '--devices', 'ms,secs'];
    const { code, out, err } = await bench(file, ...settings, ...wide, '--workers', '1', '-o', output);
    expect(code).toBe(0);
    expect(out).toMatch(/local +0\.\d{3} \(0\.\d{3} to 0\.\d{3}\) +1\.000 \(1\.000 to 1\.000\) .*\(2\/2 devices\)/);
    expect(err).toContain('random: all 48 networks');
    expect(readFileSync(join(output, 'curves.svg'), 'utf8')).toContain('>local<');
    expect(readFileSync(join(output, 'curves.csv'), 'utf8').split('\n')).toHaveLength(2 + 2 * 3 * 60);
  });

  it('asks without the latest results in parallel evaluations', async () => {
    const four = await bench(file, ...common, '--json', '--workers', '1', '--parallel', '4');
    expect(curvesOf(four.out)).not.toEqual(curvesOf(written.out));
  });

  it('tells controllers values with noise, and judges by the true ones', async () => {
    const noisy = await bench(file, ...common, '--json', '--workers', '1', '--noise', '0.5,0.05');
    expect(curvesOf(noisy.out)).not.toEqual(curvesOf(written.out));
    const none = await bench(file, ...common, '--json', '--workers', '1', '--noise', '0');
    expect(curvesOf(none.out)).toEqual(curvesOf(written.out));
  });

  it.each([
    [[], 'which table?'],
    [[file, '--table', csv], 'which table?'],
    [['--table', csv], '--objectives are missing'],
    [['--table', csv, '--objectives', 'acc:up'], '--objectives acc:up: expected column:direction:cost'],
    [['--table', csv, '--objectives', 'accu:max'], "has no column 'accu'; did you mean 'acc'?"],
    [[file, '--controllers', 'locale'], "there is no such controller; did you mean 'local'?"],
    [[file, '--devices', 'sec'], "has no column 'sec'; did you mean 'secs'?"],
    [[file, '--seeds', '0'], '--seeds 0: expected a whole number of at least 1'],
    [[file, '--noise', '-1'], '--noise -1: expected one or two numbers'],
    [[file, '--at', 'x'], '--at: expected whole numbers'],
    [['experiments/quickstart.yaml'], 'its space is mobilenet; expected a table of results'],
    [[file, '--set', 'search.startp=3'], "did you mean 'startup'?"],
  ])('refuses %j', async (args, message) => {
    await expectRefusal(bench(...args), message);
  });
});
