/**
 * The quality of a supernet's members: accuracy compared with stand-alone training, ranking, and cost.
 *
 * Method: CIFAR-10 at 32 x 32 pixels, 20,480 training images and 10,000 test images that nothing else uses. Networks of the
 * `tiny` space: the smallest, the largest, and five in each of three bins of equal cost (within 10 %), which separate ranking
 * from counting operations. Each network is trained alone; a supernet is trained for the same number of steps. Members are
 * evaluated directly (with calibrated batch norm) and after fine-tuning for a quarter of the epochs. Every training uses one
 * thread; costs are CPU time relative to training the largest network. The output folder caches trainings, so an interrupted
 * benchmark continues, and another variant or seed costs only its own training.
 *
 *   npm run bench:supernet -- [--seeds 1,2,3] [--variants default,'soft labels 0.5'] [--repeat 0,8,16] [--straight]
 *   npm run bench:supernet -- --cost            cost of a step relative to the largest network's
 */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { mean } from '../latency-models/statistics.js';
import { trainAlone, type Trained } from './supernet/alone.js';
import { cifarImages, createSetting } from './supernet/setting.js';
import { straight, trainSupernet, tuned, type Tuning, variants } from './supernet/members.js';
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
    'learning-rate': { type: 'string', default: '0.2' },
    /** Seeds of the supernets; stand-alone trainings use seed 1. */
    seeds: { type: 'string', default: '1' },
    variants: { type: 'string', default: 'default' },
    /** Indices of networks that are trained alone a second time, to estimate the variance between seeds. */
    repeat: { type: 'string', default: '' },
    /** Skip fine-tuning from the supernet. */
    straight: { type: 'boolean', default: false },
    /** Epochs of fine-tuning as a share of a stand-alone training's. */
    share: { type: 'string', default: '0.25' },
    /** Learning rate of fine-tuning. */
    rate: { type: 'string', default: '0.2' },
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
const setting = await createSetting({
  images,
  folder,
  epochs: Number(options.epochs),
  learningRate: Number(options['learning-rate']),
});
const tuning: Tuning = { share: Number(options.share), learningRate: Number(options.rate) };
const networks = subjects(setting.space);
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

const summary = newTable([
  'supernet (seed)',
  'cost',
  'straight vs. alone',
  'worst',
  'tuned vs. alone',
  'within 0.5 points',
  'Spearman',
  'Kendall',
  'Kendall in bins',
]);
const columns: { readonly name: string; readonly straight: number[]; readonly tuned: number[] | null }[] = [];
for (const variant of list(options.variants)) {
  for (const seed of list(options.seeds).map(Number)) {
    const name = `${variant} (${seed})`;
    if (!(variant in variants)) throw new Error(`--variants ${variant}: expected some of ${Object.keys(variants)}`);
    const supernet = await trainSupernet(setting, variants[variant], seed);
    const found = await each(networks, (network) => straight(setting, supernet, network));
    progress(`${name}: straight ${points(mean(found))} on average`);
    const fineTuned = options.straight
      ? null
      : await each(networks, (network) => tuned(setting, supernet, network, tuning));
    const tunedAccuracies = fineTuned?.map(({ accuracy }) => accuracy) ?? null;
    columns.push({ name, straight: found, tuned: tunedAccuracies });
    const gain = (accuracies: readonly number[]): number[] => accuracies.map((accuracy, i) => accuracy - own[i]);
    summary.push([
      name,
      (supernet.cpuSeconds / alone[largest].cpuSeconds).toFixed(2),
      signed(mean(gain(found))),
      signed(Math.min(...gain(found))),
      tunedAccuracies === null ? '' : signed(mean(gain(tunedAccuracies))),
      tunedAccuracies === null
        ? ''
        : `${gain(tunedAccuracies).filter((g) => g >= -0.005).length} of ${networks.length}`,
      ...correlation(rank(networks, found, own)),
    ]);
    if (tunedAccuracies !== null)
      summary.push([`${name}, tuned`, '', '', '', '', '', ...correlation(rank(networks, tunedAccuracies, own))]);
  }
}
const macs = networks.map((network) => network.macs);
summary.push(['multiply-accumulates', '0', '', '', '', '', ...correlation(rank(networks, macs, own))]);

const details = newTable([
  'M MACs',
  'alone',
  ...columns.flatMap(({ name, tuned }) => [`${name}: straight`, ...(tuned === null ? [] : ['tuned'])]),
]);
for (const [i, network] of networks.entries())
  details.push([
    (network.macs / 1e6).toFixed(2),
    points(own[i]),
    ...columns.flatMap((column) => [points(column.straight[i]), ...(column.tuned ? [points(column.tuned[i])] : [])]),
  ]);
console.log(details.toString());
console.log(summary.toString());
if (repeated.length > 0)
  console.log(`change with a second seed, alone: ${repeated.map(signed).join(', ')} (networks ${options.repeat})`);
