/**
 * What searching costs besides training: controller and store together, with a table of results instead of training.
 *
 * Method: for each controller, a new database in a temporary folder; 10,000 trials, each asked (controller, then one
 * transaction), started (one transaction), finished with three values (one transaction), one at a time, the history
 * growing. The table is a function of the genotype over 4^10 networks of the size of a small MobileNetV3 description.
 * The CPU time tells what a trial costs when other work slows the clock on the wall.
 * Then everything is read back as `nas status`, `nas pareto` and `nas trials` do, from a newly opened database.
 *
 * Asking alone is timed after many finished trials, on a space that can be listed (NAS-Bench-201's cells) and on a large
 * one (inverted residuals for images of 224 x 224, with a cost that is counted from the network): the first ask of a new
 * controller, as after a resume, with all that is computed once; and the median and the longest of those that follow.
 *
 *   node --import tsx bench/search-overhead.ts [trials] [controllers, separated by commas]
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import {
  controllerNames,
  createController,
  frontier,
  searchSchema,
  type ControllerName,
  type Objective,
  type Told,
  type Values,
} from '../search/index.js';
import { choicesOf, genotypeId, tableSpace, type Genotype } from '../spaces/index.js';
import { Store, type ObjectiveValues } from '../store/index.js';
import { grounds, sizeOf, timeAsks } from './search/ask-times.js';

const trials = Number(process.argv[2] ?? 10_000);
/** By default those whose ask hardly depends on the length of the history; the others are timed by their asks alone. */
const names = process.argv[3]?.split(',') ?? ['random', 'evolution', 'nsga2', 'local', 'reinforce'];
const controllers = controllerNames.filter((name) => names.includes(name));

const space = tableSpace(
  'table',
  Array.from({ length: 10 }, (_, i) => ({ name: `decision${i}`, choices: [1, 2, 3, 4] })),
);
const objectives: readonly Objective[] = [
  { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
  { name: 'latency_ms', direction: 'minimize', cost: 'cheap', constraint: { max: 6 } },
  { name: 'params', direction: 'minimize', cost: 'cheap' },
];
const cheap = (genotype: Genotype): Values => ({
  latency_ms: genotype.reduce((sum, index, i) => sum + index / (1 + (i % 3)), 0.5),
  params: genotype.reduce((sum, index) => sum + 1000 * 2 ** index, 0),
});
const accuracy = (genotype: Genotype): number =>
  1 - genotype.reduce((sum, index, i) => sum + ((index - ((i * 7) % 4)) / 4) ** 2, 0) / genotype.length;
const networkOf = (genotype: Genotype) => ({
  kind: 'network',
  input: [28, 28, 1],
  classes: 10,
  blocks: genotype.map((index) => ({
    kind: 'mbconv',
    filters: 8 * index,
    kernel: 3,
    stride: 1,
    act: 'relu',
    expand: 4,
    se: 0,
  })),
});

function measure(name: ControllerName, path: string): string[] {
  const meta = { name, seed: 1, source: '', experiment: {}, threads: 1, version: '0', environment: {} };
  const store = Store.create(path, meta);
  const controller = createController(name, searchSchema.parse({}), { space, objectives, seed: 1 });
  const history: Told[] = [];
  let askMs = 0;
  const start = performance.now();
  const cpu = process.cpuUsage();
  for (let number = 0; number < trials; number++) {
    const before = performance.now();
    const { genotype, reason, rejected } = controller.ask({ number, history, pending: [], cheap });
    askMs += performance.now() - before;
    store.trials.ask({
      number,
      genotype,
      genotypeId: genotypeId(genotype),
      choices: choicesOf(space.decisions, genotype),
      network: networkOf(genotype),
      seed: number,
      reason,
      rejected,
      pending: [],
    });
    store.trials.start(number);
    const known = cheap(genotype);
    const values: ObjectiveValues = {
      accuracy: { value: accuracy(genotype), provenance: 'imported' },
      latency_ms: { value: known['latency_ms'], provenance: 'predicted' },
      params: { value: known['params'], provenance: 'computed' },
    };
    store.trials.finish(number, { state: 'complete', values });
    history.push({ number, genotype, state: 'complete', values: { accuracy: accuracy(genotype), ...known } });
  }
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  store.close();

  const opened = performance.now();
  const reader = Store.open(path, { readonly: true });
  const all = reader.trials.all();
  const read = performance.now();
  const told = all.map(({ state, told: values }) => ({ state, values }));
  const members = frontier(told, objectives).length;
  const sorted = performance.now();
  reader.close();
  if (all.length !== trials || members === 0) throw new Error('the store lost something');
  return [
    name,
    (trials / seconds).toFixed(0),
    ((user + system) / 1000 / trials).toFixed(3),
    (askMs / trials).toFixed(3),
    (read - opened).toFixed(0),
    (sorted - read).toFixed(0),
    (statSync(path).size / 2 ** 20).toFixed(1),
  ];
}

const table = new Table({
  head: [
    'controller',
    'trials/s',
    'CPU [ms/trial]',
    'ask [ms]',
    `open + read ${trials} [ms]`,
    'frontier [ms]',
    'file [MiB]',
  ],
});
for (const name of controllers) {
  const folder = mkdtempSync(join(tmpdir(), 'nas-bench-'));
  try {
    table.push(measure(name, join(folder, 'nas.sqlite')));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
console.log(table.toString());

const finishedTrials = [500, 5000];
const timedAsks = 12;
const asks = new Table({
  head: ['controller', 'space', 'networks', 'latency', 'finished', 'first ask [ms]', 'ask [ms]', 'longest [ms]'],
});
for (const ground of await grounds()) {
  for (const [name, cost] of [
    ['local', 'cheap'],
    ['tpe', 'cheap'],
    ['surrogate', 'cheap'],
    ['surrogate', 'expensive'],
  ] as const) {
    for (const finished of finishedTrials) {
      const { first, median, longest } = timeAsks(name, ground, cost, finished, timedAsks);
      const times = [first, median, longest].map((ms) => ms.toFixed(ms < 10 ? 1 : 0));
      asks.push([name, ground.name, sizeOf(ground.space), cost, finished, ...times]);
    }
  }
}
console.log(asks.toString());
