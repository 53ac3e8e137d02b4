/**
 * The quality of a supernet's members: accuracy compared with stand-alone training, ranking, and cost.
 *
 * Method: CIFAR-10 at 32 x 32 pixels, 20,480 training images and 10,000 test images that nothing else uses. Networks of the
 * `tiny` space: the smallest, the largest, and some in each of three bins of equal cost (within 10 %), which separate ranking
 * from counting operations.
 * Both sides are trained by the same recipe. Each network is trained alone; a supernet is trained for the same number of steps. Members are
 * evaluated directly (with calibrated batch norm) and after fine-tuning for a quarter of the epochs. Every training uses one
 * thread; costs are CPU time relative to training the largest network. The output folder caches trainings, so an interrupted
 * benchmark continues, and another variant or seed costs only its own training.
 *
 *   npm run bench:supernet -- [--recipe plain] [--epochs 4] [--per-bin 3] [--seeds 1,2,3] [--variants default,'held for 8 steps']
 *     [--tunings default,half] [--repeat 0,8,16]
 *   npm run bench:supernet -- --cost            cost of a step relative to the largest network's
 */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { mean, sum } from '../base/statistics.js';
import { trainAlone, type Trained } from './supernet/alone.js';
import { cifarImages, createSetting, recipes } from './supernet/setting.js';
import { straight, trainSupernet, tuned, tunings, variants } from './supernet/members.js';
import { rank, type Ranking, subjects } from './supernet/networks.js';
import { memoryOverNetworks, stepCosts } from './supernet/step-costs.js';

const { values: options } = parseArgs({
  options: {
    cost: { type: 'boolean', default: false },
    steps: { type: 'string', default: '48' },
    /** Number of compiled networks over which memory is tracked. */
    compiled: { type: 'string', default: '200' },
    images: { type: 'string' },
    epochs: { type: 'string', default: '8' },
    recipe: { type: 'string', default: 'fast' },
    /** Of the recipe plain. */
    'learning-rate': { type: 'string', default: '0.2' },
    'per-bin': { type: 'string', default: '5' },
    /** Seeds of the supernets; stand-alone trainings use seed 1. */
    seeds: { type: 'string', default: '1' },
    variants: { type: 'string', default: 'default' },
    /** Indices of networks that are trained alone a second time, to estimate the variance between seeds. */
    repeat: { type: 'string', default: '' },
    /** Ways of fine-tuning from the supernet; none: '' . */
    tunings: { type: 'string', default: 'default' },
    /** Epochs of fine-tuning as a share of a stand-alone training's. */
    share: { type: 'string', default: '0.25' },
    output: { type: 'string', short: 'o', default: 'runs/bench-supernet' },
  },
});

const list = (text: string): string[] => text.split(',').filter((item) => item !== '');
const points = (share: number): string => (100 * share).toFixed(1);
const signed = (share: number): string => `${share < 0 ? '' : '+'}${points(share)}`;
const progress = (line: string): void => void process.stderr.write(`${line}\n`);
const correlation = ({ spearman, kendall, within, meanWithin }: Ranking): string[] => [
  spearman.toFixed(2),
  kendall.toFixed(2),
  `${meanWithin.toFixed(2)} (${within.map((value) => value.toFixed(1)).join(', ')})`,
];
const newTable = (head: string[]): Table.Table => new Table({ head, style: { head: [], border: [] } });

if (options.cost) {
  console.log(await stepCosts(Number(options.steps)));
  console.log(await memoryOverNetworks(Number(options.compiled)));
  process.exit(0);
}

const folder = resolve(options.output);
mkdirSync(folder, { recursive: true });
const images = options.images === undefined ? await cifarImages(folder) : resolve(options.images);
const recipe = recipes.find((name) => name === options.recipe);
if (recipe === undefined) throw new Error(`--recipe ${options.recipe}: expected one of ${recipes}`);
const setting = await createSetting({
  images,
  folder,
  epochs: Number(options.epochs),
  recipe,
  learningRate: Number(options['learning-rate']),
});
const networks = subjects(setting.space, Number(options['per-bin']));
const largest = networks.length - 1;

/** Runs tasks one by one, so each training has the CPU to itself. */
async function each<T, U>(items: Iterable<T>, task: (item: T) => Promise<U>): Promise<U[]> {
  const results: U[] = [];
  for (const item of items) results.push(await task(item));
  return results;
}

const alone = await each(networks, async (network): Promise<Trained> => {
  const trained = await trainAlone(setting, network.network, 1);
  progress(`alone, ${(network.macs / 1e6).toFixed(2)} M MACs: ${points(trained.accuracy)}`);
  return trained;
});
const own = alone.map(({ accuracy }) => accuracy);
const repeated = await each(list(options.repeat).map(Number), async (i) => {
  const { accuracy } = await trainAlone(setting, networks[i].network, 2);
  return accuracy - own[i];
});

/** Entries of a table by the names that an option lists. */
function chosen<T>(option: 'variants' | 'tunings', table: Readonly<Record<string, T>>): [string, T][] {
  return list(options[option]).map((name) => {
    if (!(name in table)) throw new Error(`--${option} ${name}: expected some of ${Object.keys(table)}`);
    return [name, table[name]];
  });
}

const summary = newTable([
  'supernet (seed)',
  'members',
  'cost',
  'vs. alone',
  'worst',
  'within 0.5 points',
  'Spearman',
  'Kendall',
  'Kendall in bins',
]);
const columns: { readonly name: string; readonly accuracies: readonly number[] }[] = [];

/** Adds the members' accuracies to the tables. @param seconds CPU time */
function report(name: string, members: string, seconds: number, accuracies: readonly number[]): void {
  columns.push({ name: `${name}: ${members}`, accuracies });
  const gains = accuracies.map((accuracy, i) => accuracy - own[i]);
  const near = gains.filter((gain) => gain >= -0.005).length;
  summary.push([
    name,
    members,
    (seconds / alone[largest].cpuSeconds).toFixed(2),
    signed(mean(gains)),
    signed(Math.min(...gains)),
    `${near} of ${networks.length}`,
    ...correlation(rank(networks, accuracies, own)),
  ]);
  progress(`${name}: ${members} ${signed(mean(gains))} on average`);
}

for (const [variant, overrides] of chosen('variants', variants)) {
  for (const seed of list(options.seeds).map(Number)) {
    const name = `${variant} (${seed})`;
    const supernet = await trainSupernet(setting, overrides, seed);
    const found = await each(networks, (network) => straight(setting, supernet, network));
    report(name, 'straight', supernet.cpuSeconds, found);
    for (const [way, tuning] of chosen('tunings', tunings)) {
      const results = await each(networks, (network) =>
        tuned(setting, supernet, network, tuning, Number(options.share)),
      );
      const seconds = sum(results.map(({ cpuSeconds }) => cpuSeconds));
      report(
        name,
        `tuned, ${way}`,
        seconds,
        results.map(({ accuracy }) => accuracy),
      );
    }
  }
}
const macs = networks.map((network) => network.macs);
summary.push(['multiply-accumulates', '', '0', '', '', '', ...correlation(rank(networks, macs, own))]);

const details = newTable(['M MACs', 'alone', ...columns.map(({ name }) => name)]);
for (const [i, network] of networks.entries())
  details.push([
    (network.macs / 1e6).toFixed(2),
    points(own[i]),
    ...columns.map(({ accuracies }) => points(accuracies[i])),
  ]);
console.log(details.toString());
console.log(summary.toString());
if (repeated.length > 0)
  console.log(`change with a second seed, alone: ${repeated.map(signed).join(', ')} (networks ${options.repeat})`);
