/**
 * Appends new trials to the store of a search on the large table, as the search would:
 * `writer.ts <workdir> <trials/s> <seconds>`.
 */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { lockWorkdir, Store } from '../../store/index.js';
import { rowsOfLargeTable } from '../search/large-table.js';

const [workdir = '', rate = '', seconds = ''] = process.argv.slice(2);
const lock = lockWorkdir(workdir);
const store = Store.open(join(workdir, 'nas.sqlite'));
const tried = new Set(store.trials.all().map(({ genotypeId }) => genotypeId));
const fresh = rowsOfLargeTable().filter(({ genotype }) => !tried.has(genotype.join('-')));
let number = tried.size;
const first = number;

function append({ genotype, choices, values, line }: (typeof fresh)[number]): void {
  store.trials.ask({
    number,
    genotype,
    genotypeId: genotype.join('-'),
    choices,
    network: { kind: 'row', file: 'table.csv', line },
    seed: number,
    reason: 'random',
    rejected: 0,
    pending: [],
  });
  store.trials.start(number);
  const known = Object.entries(values).map(([name, value]) => [name, { value, provenance: 'imported' }] as const);
  store.trials.finish(number, { state: 'complete', values: Object.fromEntries(known) });
  number++;
}

store.run.setStatus('running');
process.stdout.write('running\n');
const began = performance.now();
for (;;) {
  const elapsed = (performance.now() - began) / 1000;
  if (elapsed >= Number(seconds) || number - first >= fresh.length) break;
  while (number - first < Math.min(fresh.length, elapsed * Number(rate))) append(fresh[number - first]);
  await setTimeout(5);
}
const took = (performance.now() - began) / 1000;
store.run.setStatus('complete');
store.close();
lock.release();
process.stdout.write(`${((number - first) / took).toFixed(1)}\n`);
