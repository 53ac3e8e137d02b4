// Controllers compared on real trainings: MobileNet-style networks (more than 10^10 candidates) for Fashion-MNIST, or
// --images for a folder of small images (32 x 32, one sub-folder per class); accuracy against multiply-accumulates (MACs).
//
// Method: every controller and seed is an ordinary run with sequential trials on one thread. Runs are compared at equal
// training compute: the MACs of all epochs trained so far, which are the same on every machine. The result of a run is its
// reported frontier of completely trained networks by validation accuracy. Test images unseen by the runs score it, because
// more networks mean more luck on the same validation images (--judge validation uses those instead). The score is the
// hypervolume of error and MACs (min-max normalised over the union of all runs, reference point (1, 1)) relative to the
// union's. Finished runs are cached in the output folder.
//
// --evaluate train,inherit,supernet compares sources of a candidate's accuracy instead: training from scratch; training for
// a quarter of the epochs from supernet weights; or the supernet weights themselves, with the frontier trained for a quarter
// of the epochs. The compute includes the supernet's training, and trial numbers are chosen for about equal compute. For
// candidates that are only evaluated, calibration and validation count at a third of the cost of training images.
import { mkdirSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import PQueue from 'p-queue';
import { isTrainingExperiment, parseExperiment } from '../experiments/index.js';
import { runExperiment } from '../runner/index.js';
import { createSpace } from '../spaces/index.js';
import { describeDataset, prepareDataset } from '../trainers/index.js';
import { median } from '../latency-models/statistics.js';
import { controllers, evaluations, type Method, spaceCosts } from './search/methods.js';
import { type Found, frontOf, normalised, type Run, testErrors } from './search/judge.js';

const { values: options } = parseArgs({
  options: {
    trials: { type: 'string', default: '40' },
    /** Trials of a search with freeze-thaw; default: --trials. */
    frozen: { type: 'string' },
    seeds: { type: 'string', default: '1,2,3' },
    epochs: { type: 'string', default: '12' },
    /** Passes over the images in all epochs together. */
    passes: { type: 'string', default: '1' },
    images: { type: 'string' },
    subset: { type: 'string', default: '0.8' },
    validation: { type: 'string', default: '0.08' },
    judge: { type: 'string', default: 'test' },
    methods: { type: 'string' },
    /** Sources of accuracy: some of train, inherit, supernet. Replaces --methods. */
    evaluate: { type: 'string' },
    batch: { type: 'string', default: '32' },
    /** Number of concurrent runs. */
    parallel: { type: 'string', default: String(availableParallelism()) },
    output: { type: 'string', short: 'o', default: 'runs/bench-search-training' },
  },
});
const trials = Number(options.trials);
const seeds = options.seeds.split(',').map(Number);
const epochs = Number(options.epochs);
const epochShare = Math.min(1, Number(options.passes) / epochs);
if (options.judge !== 'test' && options.judge !== 'validation')
  throw new Error(`--judge ${options.judge}: expected test or validation`);
const judge = options.judge;

/** A folder of images keeps a fifth for the test. */
const source =
  options.images === undefined
    ? { type: 'fashion-mnist' }
    : { type: 'image-folder', path: resolve(options.images), size: 32, test: 0.2 };

// Averaged weights make accuracies after few epochs predictive of the final ones.
const batch = Number(options.batch);
const train = {
  epochs,
  epoch_share: epochShare,
  batch,
  ema: 0.98,
  // Proportional to the batch (Goyal et al. 2017).
  optimizer: { type: 'sgd', learning_rate: (0.05 * batch) / 32 },
};
const common = {
  data: { ...source, subset: Number(options.subset), validation: Number(options.validation) },
  space: { type: 'mobilenet', preset: 'small', width: [0.25, 0.5], share: 'layer' },
  train,
  objectives: ['accuracy', 'macs'],
  engine: { threads: 1 },
};

const experiment = (parts: object, seed: number): string =>
  JSON.stringify({ name: 'search-training', seed, ...common, ...parts });

const defaults = parseExperiment('defaults', experiment({}, 1)).experiment;
if (!isTrainingExperiment(defaults)) throw new Error('the experiment has no images');
const data = describeDataset(await prepareDataset(defaults.data));
const task = { input: [data.height, data.width, data.channels], classes: data.classes.length } as const;
const space = spaceCosts(await createSpace(defaults.space, task));

const setting = { trials, frozen: Number(options.frozen ?? trials), epochs, train, space, counts: data.counts };
const methods = options.evaluate === undefined ? controllers(setting) : evaluations(setting);

/** The accuracy of a result from any source. */
const accuracyOf = (values: Readonly<Record<string, number | undefined>>): number =>
  values['accuracy'] ?? values['inherited_accuracy'] ?? values['supernet_accuracy'] ?? NaN;

function methodOf(name: string): Method {
  if (!(name in methods)) throw new Error(`${name}: expected some of ${Object.keys(methods).join(', ')}`);
  return methods[name];
}

async function runOnce(method: string, seed: number, folder: string): Promise<Run> {
  const file = join(folder, `${method.replace(/\W+/g, '-')}-${seed}.json`);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Run;
  const workdir = join(folder, 'workdirs', `${method.replace(/\W+/g, '-')}-${seed}`);
  const trained = new Map<number, number>();
  const macsOf = new Map<number, number>();
  const complete: (Omit<Found, 'testError'> & { readonly trial: number })[] = [];
  const { parts, epochs: whole, before: start, evaluation, found: stage } = methodOf(method);
  let compute = start;
  const begin = performance.now();
  /** Adds the training of a trial since its last event to the compute. */
  const count = (trial: number, until: number, macs: number): void => {
    compute += (until - (trained.get(trial) ?? 0)) * macs;
    trained.set(trial, until);
  };
  const loaded = parseExperiment(join(folder, 'experiment.yaml'), experiment(parts, seed));
  await runExperiment(loaded, { workdir, fresh: true }, (event) => {
    if (event.kind === 'trial-paused') count(event.number, event.epochs, event.values['macs'] ?? NaN);
    if (event.kind !== 'trial-finished' || event.state !== 'complete') return;
    const macs = macsOf.get(event.number) ?? event.values['macs'];
    macsOf.set(event.number, macs);
    if (event.stage === stage) {
      count(event.number, whole, macs);
      complete.push({ trial: event.number, compute, macs, error: 1 - accuracyOf(event.values) });
    } else if (event.stage === 'search') compute += evaluation * macs;
  });
  const errors = await testErrors(
    loaded.experiment,
    workdir,
    complete.map(({ trial }) => trial),
  );
  const found = complete.map(({ trial, ...rest }) => ({ ...rest, testError: errors.get(trial) ?? NaN }));
  const run: Run = { method, seed, found, compute };
  writeFileSync(file, JSON.stringify(run));
  rmSync(workdir, { recursive: true });
  const minutes = ((performance.now() - begin) / 60_000).toFixed(1);
  process.stderr.write(
    `${method}, seed ${seed}: ${trained.size} networks, ${found.length} completely trained, ${minutes} min\n`,
  );
  return run;
}

const folder = resolve(options.output);
mkdirSync(folder, { recursive: true });
const names = (options.evaluate ?? options.methods)?.split(',').map((name) => name.trim()) ?? Object.keys(methods);
const queue = new PQueue({ concurrency: Number(options.parallel) });
const runs = await Promise.all(
  seeds.flatMap((seed) => names.map((method) => queue.add(() => runOnce(method, seed, folder)))),
);

const measure = normalised(runs, judge);
const of = (method: string): Run[] => runs.filter((run) => run.method === method);
/** The reference runs: every network trained completely and from scratch. */
const wholeRuns = runs.filter(({ method }) => {
  const { parts, before } = methodOf(method);
  return before === 0 && !('fidelity' in parts.search);
});
const budget = Math.min(...wholeRuns.map(({ compute }) => compute));
const shares = [0.1, 0.25, 0.5, 0.75, 1];
const at = ({ found }: Run, limit: number): number => measure(found.filter(({ compute }) => compute <= limit));
const table = new Table({
  head: [
    '',
    ...shares.map((share) => `${100 * share} % of the compute`),
    'whole run',
    'compute of the run',
    'networks on the frontier',
  ],
  style: { head: [], border: [] },
});
for (const method of names) {
  const own = of(method);
  table.push([
    method,
    ...shares.map((share) => median(own.map((run) => at(run, share * budget))).toFixed(3)),
    own.map((run) => measure(run.found).toFixed(3)).join(' '),
    `${((100 * median(own.map(({ compute }) => compute))) / budget).toFixed(0)} %`,
    `${median(own.map(({ found }) => frontOf(found).length))}`,
  ]);
}
console.log(
  `${trials} trials of ${epochs} epochs, ${seeds.length} seeds, medians; 100 %: the cheapest full-length run`,
);
console.log(table.toString());
const reference = options.evaluate === undefined ? 'surrogate' : 'train';
const full = of(reference);
for (const method of names.filter((name) => wholeRuns.every((run) => run.method !== name))) {
  const needed = of(method).flatMap((run) => {
    const goal = full.find(({ seed }) => seed === run.seed);
    const reached = goal && run.found.find(({ compute }) => at(run, compute) >= measure(goal.found));
    return goal === undefined ? [] : [reached === undefined ? Infinity : reached.compute / goal.compute];
  });
  console.log(
    `${method}: reaches the hypervolume of ${reference} after ${needed.map((share) => `${(100 * share).toFixed(0)} %`).join(', ')} of its compute`,
  );
}
