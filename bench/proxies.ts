/**
 * How well zero-cost proxies rank the networks of a run, next to plain counts of operations and weights, and how long they
 * take.
 *
 * Method: of every completed trial, the proxies with the trial's own seed (so of the very weights that its training began
 * from) over 32 training images, on one thread; Spearman's and Kendall's rank correlation with the validation accuracy
 * that the search found. The time is that of one network: building, tracing, opening the session, running; the first
 * network, which loads the libraries, is left out of it.
 *
 *   node --import tsx bench/proxies.ts runs/<name>
 */
import { join, resolve } from 'node:path';
import Table from 'cli-table3';
import type { TrainingExperiment } from '../experiments/schema.js';
import { validate } from '../latency-models/index.js';
import { costs, type Network } from '../spaces/index.js';
import { Store } from '../store/index.js';
import { prepareDataset, proxies, proxyBatch, proxyNames } from '../trainers/index.js';

const workdir = process.argv.at(2);
if (workdir === undefined) throw new Error('which run? node --import tsx bench/proxies.ts runs/<name>');

const store = Store.open(join(resolve(workdir), 'nas.sqlite'), { readonly: true });
// Written by `nas run`.
const experiment = store.run.get().experiment as TrainingExperiment;
const dataset = await prepareDataset(experiment.data, {});
const batch = proxyBatch(dataset, experiment.seed);

const rows: { readonly accuracy: number; readonly values: Readonly<Record<string, number>> }[] = [];
const milliseconds: number[] = [];
for (const trial of store.trials.all()) {
  if (trial.state !== 'complete') continue;
  // The runner stores the network of every trial when it is asked.
  const network = store.networks.get(trial.genotypeId) as Network;
  const began = performance.now();
  const values = await proxies(network, { seed: trial.seed, batch });
  milliseconds.push(performance.now() - began);
  const { macs, params } = costs(network);
  rows.push({ accuracy: trial.values['accuracy'].value, values: { ...values, macs, params } });
}
store.close();

const table = new Table({ head: ['', 'Spearman', 'Kendall'] });
for (const name of [...proxyNames, 'macs', 'params']) {
  const { spearman, kendall } = validate(rows.map((row) => ({ predicted: row.values[name], measured: row.accuracy })));
  table.push([name, spearman.toFixed(2), kendall.toFixed(2)]);
}
console.log(table.toString());
const warm = milliseconds.slice(1).sort((a, b) => a - b);
const accuracies = rows.map(({ accuracy }) => accuracy);
console.log(
  `${rows.length} networks, accuracy ${Math.min(...accuracies).toFixed(3)} to ${Math.max(...accuracies).toFixed(3)}; ` +
    `all proxies of one in ${Math.round(warm[warm.length >> 1])} ms (median; at most ${Math.round(warm[warm.length - 1])})`,
);
