/**
 * How well zero-cost proxies rank the networks of a run, next to plain counts of operations and weights, and how long they
 * take.
 *
 * Method: of every completed trial, the proxies with the trial's own seed (so of the very weights that its training began
 * from) over 32 training images, on one thread; Spearman's and Kendall's rank correlation with the validation accuracy
 * that the search found. Larger networks are more accurate, and most proxies grow with the network; what a proxy tells
 * beyond the operations is the partial rank correlation, those of both with the multiply-accumulates taken out. The time
 * is that of one network: building, tracing, opening the session, running; for each proxy alone and for all in one
 * program. The first network, which loads the libraries, is left out of it.
 *
 *   node --import tsx bench/proxies.ts runs/<name>
 */
import { join, resolve } from 'node:path';
import Table from 'cli-table3';
import type { TrainingExperiment } from '../experiments/schema.js';
import { validate } from '../latency-models/index.js';
import { costs, type Network } from '../spaces/index.js';
import { Store } from '../store/index.js';
import { median, prepareDataset, proxies, proxyBatch, proxyNames } from '../trainers/index.js';

const workdir = process.argv.at(2);
if (workdir === undefined) throw new Error('which run? node --import tsx bench/proxies.ts runs/<name>');

const store = Store.open(join(resolve(workdir), 'nas.sqlite'), { readonly: true });
// Written by `nas run`.
const experiment = store.run.get().experiment as TrainingExperiment;
const dataset = await prepareDataset(experiment.data, {});
const batch = proxyBatch(dataset, experiment.seed);

const rows: { readonly accuracy: number; readonly values: Readonly<Record<string, number>> }[] = [];
const all: number[] = [];
const alone: Readonly<Record<string, number[]>> = Object.fromEntries(proxyNames.map((name) => [name, []]));

async function timed<T>(milliseconds: number[], task: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await task();
  milliseconds.push(performance.now() - began);
  return result;
}
for (const trial of store.trials.all()) {
  if (trial.state !== 'complete') continue;
  // The runner stores the network of every trial when it is asked.
  const network = store.networks.get(trial.genotypeId) as Network;
  const values = await timed(all, () => proxies(network, { seed: trial.seed, batch }));
  for (const name of proxyNames)
    await timed(alone[name], () => proxies(network, { seed: trial.seed, batch, names: [name] }));
  const { macs, params } = costs(network);
  rows.push({ accuracy: trial.values['accuracy'].value, values: { ...values, macs, params } });
}
store.close();

type Row = (typeof rows)[number];
const correlation = (a: (row: Row) => number, b: (row: Row) => number) =>
  validate(rows.map((row) => ({ predicted: a(row), measured: b(row) })));
const accuracy = (row: Row): number => row.accuracy;
const macs = (row: Row): number => row.values['macs'];
/** Without the first. */
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
const accuracies = rows.map(({ accuracy }) => accuracy);
console.log(
  `${rows.length} networks, accuracy ${Math.min(...accuracies).toFixed(3)} to ${Math.max(...accuracies).toFixed(3)}; ` +
    `all proxies of one in ${warm(all).toFixed(0)} ms (median; at most ${Math.max(...all.slice(1)).toFixed(0)})`,
);
