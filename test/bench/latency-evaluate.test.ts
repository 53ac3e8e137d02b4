import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import { evaluateTable, meanOver } from '../../bench/latency/evaluation.js';
import { latencyEvaluate } from '../../bench/latency-evaluate.js';
import { Catalogue, designSamples, readDeviceTable, type DeviceTable } from '../../latency-models/index.js';
import { buildAsWritten } from '../../latency-models/predictors/device-table.js';
import {
  costs,
  createSpace,
  readCsv,
  sampleGenotype,
  spaceSchema,
  type LayerCost,
  type Space,
} from '../../spaces/index.js';
import { nasInside } from '../cli/nas.js';
import { sharedFolder } from '../support/temporary.js';

const folder = sharedFolder();

const cells = (): Promise<Space> =>
  createSpace(spaceSchema.parse({ type: 'nas-bench-201', cells: 1 }), { input: [32, 32, 3], classes: 10 });

/** Latencies of made-up devices that run cells as they are written: a price for each operation, dead or not. */
const devices = {
  phone: { none: 0.1, skip_connect: 0.2, nor_conv_1x1: 1, nor_conv_3x3: 3, avg_pool_3x3: 0.6 },
  board: { none: 0.2, skip_connect: 0.2, nor_conv_1x1: 2, nor_conv_3x3: 5, avg_pool_3x3: 1 },
  chip: { none: 0.1, skip_connect: 0.1, nor_conv_1x1: 1.5, nor_conv_3x3: 3, avg_pool_3x3: 1.2 },
  odd: { none: 0.1, skip_connect: 1.5, nor_conv_1x1: 0.3, nor_conv_3x3: 0.5, avg_pool_3x3: 4 },
} as const;
type Device = keyof typeof devices;
const isOp = (value: unknown): value is keyof (typeof devices)['phone'] => String(value) in devices.phone;

/** The operations whose result reaches the output, op_01 to op_23: a `none` reads nothing. */
function readOf<T extends string>([op01, op02, op12, op03, op13, op23]: readonly T[]): T[] {
  const isRead2 = op23 !== 'none';
  const isRead1 = op13 !== 'none' || (op12 !== 'none' && isRead2);
  return [op03, op13, op23, ...(isRead2 ? [op02, op12] : []), ...(isRead1 ? [op01] : [])];
}

async function table(rows: number, edit: (lines: string[]) => string[] = (lines) => lines): Promise<string> {
  const space = await cells();
  const random = new Random(1);
  const seen = new Set<string>();
  while (seen.size < rows)
    seen.add(space.decisions.map(({ choices }) => choices[random.int(choices.length)]).join(','));
  const lines = [...seen].map((row) => {
    const ops = row.split(',').filter(isOp);
    const noisy = (executed: typeof ops, device: Device) =>
      executed.reduce((sum, op) => sum + devices[device][op], 2) * (1 + 0.01 * random.normal());
    const all = (['phone', 'board', 'chip', 'odd'] as const).map((device) => noisy(ops, device));
    return [row, 'ignored', ...all, noisy(readOf(ops), 'phone')].join(',');
  });
  const header = [...space.decisions.map(({ name }) => name), 'note', ...Object.keys(devices), 'pruned'].join(',');
  const file = join(folder, `table-${rows}-${edit([header, ...lines]).length}.csv`);
  writeFileSync(file, edit([header, ...lines]).join('\n'));
  return file;
}

/** Networks of the space of FBNet, and what made-up devices take for them layer by layer. */
async function layerTable(
  rows: number,
  random: Random,
  made: Readonly<Record<string, (layer: LayerCost) => number>>,
): Promise<DeviceTable> {
  const space = await createSpace(spaceSchema.parse({ type: 'fbnet' }), { input: [32, 32, 3], classes: 100 });
  const catalogue = new Catalogue();
  const networks = Array.from({ length: rows }, () => space.build(sampleGenotype(space, random)));
  const latencies = Object.entries(made).map(([name, price]) => {
    const ms = networks.map((network) => costs(network).layers.reduce((sum, layer) => sum + price(layer), 0));
    return [name, ms] as const;
  });
  return {
    catalogue,
    profiles: networks.map((network) => catalogue.profile(network)),
    latencies: new Map(latencies),
  };
}

const read = async (file: string, columns: readonly string[]): Promise<DeviceTable> =>
  readDeviceTable(readCsv(file), await cells(), columns);

const protocol = { samples: 10, select: 'auto', trim: 0.1, seeds: 2 } as const;
const options = { sources: [], now: () => 0 } as const;

describe('evaluateTable', () => {
  it('predicts written cells from ten of them, better than from random ones', async () => {
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
    expect(evaluateTable(whole, ['phone', 'chip'], protocol, options)).toEqual(chosen);
  });

  it('does not charge for operations that the runtime leaves out', async () => {
    const whole = await read(await table(150), ['pruned', 'phone']);
    const [pruned, phone] = evaluateTable(whole, ['pruned', 'phone'], { ...protocol, trim: 0 }, options);
    expect(pruned.scores.spearman.mean).toBeGreaterThan(0.97);
    expect(phone.scores.spearman.mean).toBeGreaterThan(0.97);
  });

  it('learns from other devices with few measurements', async () => {
    const whole = await read(await table(300), ['phone', 'board', 'chip']);
    const few = { ...protocol, samples: 4 };
    const alone = meanOver(evaluateTable(whole, ['chip'], few, options));
    const helped = evaluateTable(whole, ['chip'], few, { ...options, sources: ['phone', 'board'] });
    expect(helped[0].kinds).toEqual({ transfer: 2 });
    expect(meanOver(helped).spearman.mean).toBeGreaterThan(Math.max(0.95, alone.spearman.mean - 0.01));
  });

  it('is not misled by unrelated sources', async () => {
    const whole = await read(await table(150), ['phone', 'board', 'odd']);
    const five = { ...protocol, samples: 5 };
    const helped = meanOver(evaluateTable(whole, ['odd'], five, { ...options, sources: ['phone', 'board'] }));
    expect(helped.spearman.mean).toBeGreaterThan(0.97);
    expect(helped.mape.mean).toBeLessThan(4);
  });

  it('loses nothing to sources on a device unlike all of them', async () => {
    const random = new Random(2);
    const noisy = (): number => 1 + 0.02 * random.normal();
    const fbnet = await layerTable(120, random, {
      gpu: ({ macs, trafficBytes }) => Math.max(0.005, macs / 2e8, trafficBytes / 2e7) * noisy(),
      cpu: ({ macs, trafficBytes }) => (0.0015 + macs / 3e7 + trafficBytes / 1e7) * noisy(),
      // The sum of a look-up table: no launches, no noise.
      fpga: ({ kind, macs, trafficBytes }) => Math.max(macs / (kind === 'depthwise' ? 1e7 : 1e8), trafficBytes / 1e8),
    });
    const evaluate = (sources: readonly string[]) =>
      meanOver(evaluateTable(fbnet, ['fpga'], { ...protocol, seeds: 2 }, { ...options, sources }));
    const [alone, helped] = [evaluate([]), evaluate(['gpu', 'cpu'])];
    expect(helped.spearman.mean).toBeGreaterThan(alone.spearman.mean - 0.002);
    expect(helped.mape.mean).toBeLessThan(alone.mape.mean + 0.5);
  });

  it('keeps dead branches of cells', async () => {
    const space = await cells();
    const build = buildAsWritten(space);
    const dead = space.decisions.map(({ name, choices }) =>
      choices.indexOf(name === 'op_01' ? 'nor_conv_3x3' : 'none'),
    );
    expect(build(dead)).not.toEqual(space.build(dead));
    expect(costs(build(dead)).macs).toBe(costs(space.build(dead)).macs);
  });
});

describe('designSamples', () => {
  it('measures no constant network unless there are too few others', async () => {
    const { catalogue, profiles } = await read(await table(300), ['phone']);
    const dead = profiles.filter(({ isConstant }) => isConstant);
    expect(dead.length).toBeGreaterThan(1);
    const chosen = designSamples(catalogue, profiles, 20, { declared: true });
    expect(new Set(chosen).size).toBe(20);
    expect(chosen.filter((i) => profiles[i].isConstant)).toEqual([]);
    expect(designSamples(catalogue, dead, 2, { declared: true })).toHaveLength(2);
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
    ['a source that is the target', (l: string[]) => l, ['--sources', 'phone'], 'is a target and a source'],
  ])('refuses %s', async (_what, edit, more, message) => {
    const file = await table(40 + more.length, edit);
    const result = await run(file, ...(more[0] === '--target' ? more : ['--target', 'phone', ...more]));
    expect(result.code).toBe(2);
    expect(result.err).toContain(message);
  });
});
