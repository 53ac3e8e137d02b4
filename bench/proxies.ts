/**
 * How well zero-cost proxies rank networks by accuracy after training, compared with counts of operations and weights, and
 * how long they take.
 *
 * Method: each proxy is computed on 32 training images with one thread; the table shows Spearman's and Kendall's rank
 * correlation with accuracy. Larger networks are more accurate and have larger proxies, so the table also shows the partial
 * rank correlation given the multiply-accumulates. Times include building, tracing, opening the session and running: for all
 * proxies in one program and, for the first 20 networks, for each proxy alone. The first network loads the libraries; its
 * time does not count.
 *
 * Networks come from finished runs of one experiment, with their initial weights and validation accuracies:
 *
 *   node --import tsx bench/proxies.ts runs/<name> ...
 *
 * or they are random NAS-Bench-201 cells, with the accuracies after 200 epochs on CIFAR-10 from its table; --images is a
 * folder with one sub-folder per class:
 *
 *   node --import tsx bench/proxies.ts --table nb201.csv --images cifar10/train --cells 100
 */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { Random } from '../base/random.js';
import type { TrainingExperiment } from '../experiments/schema/experiment.js';
import { validate } from '../latency-models/index.js';
import { costs, createSpace, readCsv, type Network } from '../spaces/index.js';
import { Store } from '../store/index.js';
import { median, prepareDataset, proxies, proxyBatch, proxyNames, type ProxyBatch } from '../trainers/index.js';

const { values: options, positionals: workdirs } = parseArgs({
  allowPositionals: true,
  options: { table: { type: 'string' }, images: { type: 'string' }, cells: { type: 'string', default: '100' } },
});

/** A network with known accuracy. */
interface Known {
  readonly network: Network;
  /** Seed of the initial weights. */
  readonly seed: number;
  readonly batch: ProxyBatch;
  readonly accuracy: number;
}

async function ofRun(workdir: string): Promise<Known[]> {
  const store = Store.open(join(resolve(workdir), 'nas.sqlite'), { readonly: true });
  // `nas run` wrote it.
  const experiment = store.run.get().experiment as TrainingExperiment;
  const batch = proxyBatch(await prepareDataset(experiment.data, {}), experiment.seed);
  const trials = store.trials.all().filter(({ state }) => state === 'complete');
  const known = trials.map(({ genotypeId, seed, values }) => ({
    // The runner stores the network of every trial with its ask.
    network: store.networks.get(genotypeId) as Network,
    seed,
    batch,
    accuracy: values['accuracy'].value,
  }));
  store.close();
  return known;
}

async function ofCells(table: string, images: string, count: number): Promise<Known[]> {
  const space = await createSpace({ type: 'nas-bench-201' }, { input: [32, 32, 3], classes: 10 });
  const shares = { validation: 0.1, subset: 1, test: 0.1 };
  const data = { type: 'image-folder', path: resolve(images), size: 32, channels: 3, ...shares } as const;
  const batch = proxyBatch(await prepareDataset(data, {}), 1);
  const { columns, rows } = readCsv(table);
  const accuracy = columns.indexOf('cifar10_test');
  const random = new Random(1, 'cells');
  return random
    .shuffle(rows.map((row) => row))
    .slice(0, count)
    .map((row, seed) => {
      // The table's first columns are the operations of the edges, in the space's order.
      const genotype = space.decisions.map(({ choices }, i) => choices.indexOf(row[i]));
      return { network: space.build(space.canonical(genotype)), seed, batch, accuracy: Number(row[accuracy]) / 100 };
    });
}

async function timed<T>(milliseconds: number[], task: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await task();
  milliseconds.push(performance.now() - began);
  return result;
}

const { table: cells, images } = options;
if (workdirs.length === 0 && (cells === undefined || images === undefined))
  throw new Error('no networks: give runs/<name> ..., or --table and --images');
const networks =
  cells === undefined || images === undefined
    ? (await Promise.all(workdirs.map(ofRun))).flat()
    : await ofCells(cells, images, Number(options.cells));

const timedAlone = 20;
const all: number[] = [];
const alone: Readonly<Record<string, number[]>> = Object.fromEntries(proxyNames.map((name) => [name, []]));
const rows: { readonly accuracy: number; readonly values: Readonly<Record<string, number>> }[] = [];
for (const [i, { network, seed, batch, accuracy }] of networks.entries()) {
  const values = await timed(all, () => proxies(network, { seed, batch }));
  for (const name of i < timedAlone ? proxyNames : [])
    await timed(alone[name], () => proxies(network, { seed, batch, names: [name] }));
  const { macs, params } = costs(network);
  rows.push({ accuracy, values: { ...values, macs, params } });
}

type Row = (typeof rows)[number];
const correlation = (a: (row: Row) => number, b: (row: Row) => number) =>
  validate(rows.map((row) => ({ predicted: a(row), measured: b(row) })));
const accuracy = (row: Row): number => row.accuracy;
const macs = (row: Row): number => row.values['macs'];
/** Median without the first network, which loads the libraries. */
const warm = (milliseconds: readonly number[]): number => median(milliseconds.slice(1));

const table = new Table({ head: ['', 'Spearman', 'Kendall', 'Spearman beyond MACs', 'ms alone'] });
for (const name of [...proxyNames, 'macs', 'params']) {
  const value = (row: Row): number => row.values[name];
  const { spearman, kendall } = correlation(value, accuracy);
  const [withMacs, accuracyWithMacs] = [value, accuracy].map((of) => correlation(of, macs).spearman);
  const partial =
    (spearman - withMacs * accuracyWithMacs) / Math.sqrt((1 - withMacs ** 2) * (1 - accuracyWithMacs ** 2));
  const ms = name in alone ? warm(alone[name]).toFixed(0) : '';
  table.push([name, spearman.toFixed(2), kendall.toFixed(2), name === 'macs' ? '' : partial.toFixed(2), ms]);
}
console.log(table.toString());
const accuracies = rows.map(accuracy);
console.log(
  `${rows.length} networks, accuracy ${Math.min(...accuracies).toFixed(3)} to ${Math.max(...accuracies).toFixed(3)}; ` +
    `all proxies of one network in ${warm(all).toFixed(0)} ms (median; at most ${Math.max(...all.slice(1)).toFixed(0)})`,
);
