/**
 * The cost of delayed feedback: with n slots, a controller proposes a candidate while n - 1 others are being evaluated, and
 * `order: delayed` (the default; deterministic) waits for more results than `order: async`.
 *
 * Method: searches on a table of real results in simulated time, as in `nas run`. A candidate's duration is proportional to
 * its measured latency with batches of 256 on a graphics card, scaled to a median of ten minutes, times a log-normal factor
 * (sigma 0.25) by seed and network for differences between machines and epochs. Objectives are quality and the latency of a
 * device; hypervolume as in `bench:search-quality`. A figure is the mean over devices of the median over seeds. All figures
 * are deterministic.
 *
 *   npm run bench:queue-feedback -- --seeds 10
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { z } from 'zod';
import { mean } from '../base/statistics.js';
import { Random } from '../base/random.js';
import type { TableExperiment } from '../experiments/index.js';
import type { TableResults } from '../runner/index.js';
import { controllerNames, searchSchema, type ControllerName } from '../search/index.js';
import { loadTable, readCsv, recogniseDecisions } from '../spaces/index.js';
import { median } from '../latency-models/statistics.js';
import { searchWithSlots, type Searched } from './queue/feedback.js';
import { problemsOf } from './search-table/task.js';

const { values: options } = parseArgs({
  options: {
    table: { type: 'string', default: '../shared/data/nb201.csv' },
    quality: { type: 'string', default: 'cifar10_test' },
    devices: { type: 'string', default: 'pixel3,gold_6240,titanx_32' },
    durations: { type: 'string', default: '1080ti_256' },
    controllers: { type: 'string', default: 'random,local,surrogate' },
    slots: { type: 'string', default: '1,2,4,8,16,32,64' },
    budget: { type: 'string', default: '256' },
    seeds: { type: 'string', default: '10' },
  },
});
const file = resolve(options.table);
if (!existsSync(file)) {
  process.stderr.write(`skipped: no table at ${file}; --table names a CSV file with one row per network\n`);
  process.exit(0);
}

const budget = Number(options.budget);
const seeds = Array.from({ length: Number(options.seeds) }, (_, seed) => seed);
const listed = (text: string): string[] => text.split(',').filter(Boolean);
const slotCounts = listed(options.slots).map(Number);

const space: TableExperiment['space'] = { type: 'table', file, decisions: recogniseDecisions(readCsv(file)) };
const variants = listed(options.devices).map((device) => ({
  name: device,
  objectives: [
    { name: options.quality, column: options.quality, direction: 'maximize', cost: 'expensive' } as const,
    { name: device, column: device, direction: 'minimize', cost: 'cheap' } as const,
  ],
}));
const problems = await problemsOf({ space, variants });

const medianSeconds = 600;
const sigma = 0.25;
const work = loadTable(space).numbers(options.durations);
const scale = medianSeconds / median([...work]);
const durations = (seed: number): Float64Array =>
  work.map((value, row) => scale * value * Math.exp(sigma * new Random(seed, 'duration', row).normal()));

interface Setting {
  readonly controller: ControllerName;
  readonly slots: number;
  readonly order: 'delayed' | 'async';
}

/** All searches of a setting: device → one search per seed. */
async function searchesOf({ controller, slots, order }: Setting): Promise<Searched[][]> {
  const search = { ...searchSchema.parse({ controller, trials: budget, order }), parallel: slots };
  const all: Searched[][] = [];
  for (const [i, { name, objectives }] of variants.entries()) {
    const problem = problems[i];
    const searched: Searched[] = [];
    for (const seed of seeds) {
      const results: TableResults = { ...problem.results, seconds: durations(seed) };
      searched.push(await searchWithSlots(results, problem, { name, seed, space, objectives, search }));
    }
    all.push(searched);
  }
  return all;
}

const after = [32, 64, 128, 256].filter((evaluations) => evaluations <= budget);
const hours = [1, 4, 12];
const goal = 0.98;
const reached = (value: number): string => (Number.isFinite(value) ? value.toFixed(1) : 'not all');
const table = new Table({
  head: [
    'controller',
    'slots',
    'order',
    ...after.map((evaluations) => `${evaluations} ev.`),
    ...hours.map((hour) => `${hour} h`),
    `h to ${100 * goal} %`,
    'all, h',
    'busy',
  ],
  style: { head: [], border: [] },
});
for (const name of listed(options.controllers)) {
  const controller = z.enum(controllerNames).parse(name);
  for (const slots of slotCounts)
    for (const order of ['delayed', 'async'] as const) {
      // One slot never waits: both orders are the same search.
      if (slots === 1 && order === 'async') continue;
      process.stderr.write(`${controller}, ${slots} slots, ${order}\n`);
      const searches = await searchesOf({ controller, slots, order });
      const figure = (of: (searched: Searched) => number): number =>
        mean(searches.map((searched) => median(searched.map(of))));
      table.push([
        controller,
        slots,
        slots === 1 ? '' : order,
        ...after.map((evaluations) => figure((each) => each.after(evaluations)).toFixed(3)),
        ...hours.map((hour) => figure((each) => each.at(3600 * hour)).toFixed(3)),
        reached(figure((each) => each.until(goal)) / 3600),
        (figure(({ seconds }) => seconds) / 3600).toFixed(1),
        `${(100 * figure(({ busy }) => busy)).toFixed(0)} %`,
      ]);
    }
}
console.log(
  `${options.quality} and the latency of ${variants.length} devices, ${seeds.length} seeds, ${budget} evaluations of ten simulated minutes (median) each; hypervolume after so many evaluations and hours`,
);
console.log(table.toString());
