import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import { readDeviceTable, type ColumnKind, type DeviceTable } from '../../bench/latency/device-table.js';
import { evaluateTable, meanOver } from '../../bench/latency/evaluation.js';
import { latencyEvaluate } from '../../bench/latency-evaluate.js';
import { designSamples } from '../../latency-models/predictors/sample-design.js';
import { choicesOf, createSpace, liveEdges, products, readCsv, spaceSchema, type Space } from '../../spaces/index.js';
import { nasInside, expectRefusal } from '../cli/nas.js';
import { sharedFolder } from '../support/temporary.js';

const folder = sharedFolder();

const cells = (): Promise<Space> =>
  createSpace(spaceSchema.parse({ type: 'nas-bench-201', cells: 1 }), { input: [32, 32, 3], classes: 10 });

/** Latencies of made-up devices: a price for each executed operation. */
const devices = {
  phone: { none: 0, skip_connect: 0.2, nor_conv_1x1: 1, nor_conv_3x3: 3, avg_pool_3x3: 0.6 },
  chip: { none: 0, skip_connect: 0.1, nor_conv_1x1: 1.5, nor_conv_3x3: 3, avg_pool_3x3: 1.2 },
} as const;
type Device = keyof typeof devices;
const isOp = (value: unknown): value is keyof (typeof devices)['phone'] => String(value) in devices.phone;

async function table(rows: number, edit: (lines: string[]) => string[] = (lines) => lines): Promise<string> {
  const space = await cells();
  const random = new Random(1);
  const seen = new Set<string>();
  while (seen.size < rows)
    seen.add(space.decisions.map(({ choices }) => choices[random.int(choices.length)]).join(','));
  const lines = [...seen].map((row) => {
    const ops = row.split(',').filter(isOp);
    const live = liveEdges(ops);
    const executed = ops.filter((_, edge) => live[edge]);
    const noisy = (device: Device) =>
      executed.reduce((sum, op) => sum + devices[device][op], 2) * (1 + 0.01 * random.normal());
    return [row, 'ignored', noisy('phone'), noisy('chip')].join(',');
  });
  const header = [...space.decisions.map(({ name }) => name), 'note', ...Object.keys(devices)].join(',');
  const file = join(folder, `table-${rows}-${edit([header, ...lines]).length}.csv`);
  writeFileSync(file, edit([header, ...lines]).join('\n'));
  return file;
}

const read = async (file: string, columns: readonly string[]): Promise<DeviceTable> =>
  readDeviceTable(readCsv(file), await cells(), columns);

const protocol = { samples: 10, select: 'auto', trim: 0.1, seeds: 2 } as const;
const options = { now: () => 0 } as const;

describe('evaluateTable', () => {
  it('predicts cells from ten of them, better than from random ones', async () => {
    const whole = await read(await table(150), ['phone', 'chip']);
    const chosen = evaluateTable(whole, ['phone', 'chip'], protocol, options);
    expect(chosen.map(({ target, tested }) => [target, tested > 100])).toEqual([
      ['phone', true],
      ['chip', true],
    ]);
    const { spearman, mape, within10 } = meanOver(chosen);
    expect(spearman.mean).toBeGreaterThan(0.97);
    expect(mape.mean).toBeLessThan(3);
    expect(within10.mean).toBeGreaterThan(0.97);
    const random = meanOver(evaluateTable(whole, ['phone', 'chip'], { ...protocol, select: 'random' }, options));
    expect(random.mape.mean).toBeGreaterThan(mape.mean);
  });

  it('counts choices where operations take time that the output does not depend on', async () => {
    const space = await cells();
    const rows = [...products(space.decisions.map(({ choices }) => choices.length))].filter((_, i) => i % 50 === 0);
    const file = join(folder, 'all-operations.csv');
    const lines = rows.map((genotype) => {
      const ops = Object.values(choicesOf(space.decisions, genotype)).filter(isOp);
      return [...ops, ops.reduce((sum, op) => sum + devices.phone[op], 2)].join(',');
    });
    writeFileSync(file, [[...space.decisions.map(({ name }) => name), 'phone'].join(','), ...lines].join('\n'));
    const errorOf = (kind: ColumnKind): number => {
      const read = readDeviceTable(readCsv(file), space, ['phone'], kind);
      return meanOver(evaluateTable(read, ['phone'], protocol, options)).mape.mean;
    };
    expect(errorOf('choices')).toBeLessThan(1);
    expect(errorOf('layers')).toBeGreaterThan(5);
  });
});

describe('designSamples', () => {
  it('measures no constant network unless there are too few others', async () => {
    const { catalogue, profiles } = await read(await table(300), ['phone']);
    const dead = profiles.filter(({ isConstant }) => isConstant);
    expect(dead.length).toBeGreaterThan(1);
    const chosen = designSamples(catalogue, profiles, 20);
    expect(new Set(chosen).size).toBe(20);
    expect(chosen.filter((i) => profiles[i].isConstant)).toEqual([]);
    expect(designSamples(catalogue, dead, 2)).toHaveLength(2);
  });
});

describe('the evaluation of latency predictors', () => {
  const run = (file: string, ...more: string[]) =>
    nasInside(['--space', 'nas-bench-201', '--table', file, '--samples', '10', ...more], latencyEvaluate);

  it('prints means and standard deviations over seeds', async () => {
    const { code, out } = await run(await table(60), '--target', 'phone', '--seeds', '2', '--json');
    expect(code).toBe(0);
    const result = JSON.parse(out) as Record<string, { mean: number; sd: number }>;
    for (const score of ['spearman', 'kendall', 'mape', 'within5', 'within10', 'fitMs'])
      expect(result[score]).toMatchObject({ mean: expect.any(Number) as number, sd: expect.any(Number) as number });
    expect(result['spearman'].mean).toBeGreaterThan(0.9);
  });

  it.each([
    ['a column that is missing', (l: string[]) => l, ['--target', 'phnoe'], "did you mean 'phone'?"],
    ['a latency below 0', (l: string[]) => l.with(3, l[3].replace(/ignored,/, 'ignored,-')), [], 'line 4'],
    ['a latency that is missing', (l: string[]) => l.with(5, l[5].replace(/ignored,[^,]*/, 'ignored,')), [], 'line 6'],
    ['a row that is there twice', (l: string[]) => [...l, l[7]], [], 'lines 8 and'],
    ['an unknown choice', (l: string[]) => l.with(2, `conv_9x9${l[2].slice(l[2].indexOf(','))}`), [], 'line 3: op_01'],
    ['too few rows', (l: string[]) => l.slice(0, 9), [], 'the table has 8 rows'],
  ])('refuses %s', async (_what, edit, more, message) => {
    const file = await table(40 + more.length, edit);
    await expectRefusal(run(file, ...(more[0] === '--target' ? more : ['--target', 'phone', ...more])), message);
  });
});
