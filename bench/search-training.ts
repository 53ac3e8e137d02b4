// Controllers compared on real trainings: MobileNet-style networks (more than 10^10 candidates) for Fashion-MNIST, or with
// --images for a folder of small images (32 x 32, with a folder for each class), accuracy against multiply-accumulates.
//
// Method: every controller and seed is an ordinary run, its trials one after the other on one thread. Trials differ in
// what they cost, so runs are compared at equal training compute: multiply-accumulates of all epochs trained so far,
// which is the same on every machine, not seconds, which are not. What a run has found is the frontier of its fully
// trained networks by validation accuracy, as it reports it. How good that is, test images say that no run has seen: more
// networks would otherwise count for more luck with the same validation images (--judge validation counts it). The
// hypervolume is that of their error and MACs (min-max normalised over the union of all runs, reference point (1, 1)), as
// a share of the union's. A run that is finished is kept in the output folder and not run again.
import { mkdirSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import PQueue from 'p-queue';
import { parseExperiment, runExperiment } from '../experiments/index.js';
import { hypervolume, nonDominated } from '../search/index.js';
import { median } from '../trainers/index.js';
import { testErrors } from './search/test-errors.js';

const { values: options } = parseArgs({
  options: {
    trials: { type: 'string', default: '40' },
    /** Networks that a search asks for which freezes most of them; default: as many. */
    frozen: { type: 'string' },
    seeds: { type: 'string', default: '1,2,3' },
    epochs: { type: 'string', default: '12' },
    /** Passes over the images that the epochs are together. */
    passes: { type: 'string', default: '1' },
    images: { type: 'string' },
    subset: { type: 'string', default: '0.8' },
    validation: { type: 'string', default: '0.08' },
    judge: { type: 'string', default: 'test' },
    methods: { type: 'string' },
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

/** What is compared: the `search:` part of the experiment. */
const methods: Readonly<Record<string, object>> = {
  random: { controller: 'random', trials },
  'NSGA-II': { controller: 'nsga2', trials },
  surrogate: { controller: 'surrogate', trials },
  // Three times as many networks, of which one in three is trained for longer, and one in nine to the end.
  'surrogate + ASHA': {
    controller: 'surrogate',
    trials: 3 * trials,
    fidelity: { type: 'asha', min_epochs: 1, eta: 3 },
  },
  'surrogate + freeze-thaw': {
    controller: 'surrogate',
    trials: Number(options.frozen ?? trials),
    fidelity: { type: 'freeze-thaw', min_epochs: Math.max(1, Math.round(epochs / 6)) },
  },
};

/** Of a folder of images, a fifth is for the test. */
const source =
  options.images === undefined
    ? { type: 'fashion-mnist' }
    : { type: 'image-folder', path: resolve(options.images), size: 32, test: 0.2 };

const experiment = (search: object, seed: number): string =>
  JSON.stringify({
    name: 'search-training',
    seed,
    data: { ...source, subset: Number(options.subset), validation: Number(options.validation) },
    space: {
      type: 'mobilenet',
      preset: 'small',
      width: [0.25, 0.5],
      share: 'layer',
    },
    // Averaged weights, so that accuracies after few epochs say something about those after all.
    train: { epochs, epoch_share: epochShare, batch: 32, ema: 0.98, optimizer: { type: 'sgd', learning_rate: 0.05 } },
    objectives: ['accuracy', 'macs'],
    engine: { threads: 1 },
    search: { parallel: 1, ...search },
  });

/** A network that was trained to the end. */
interface Found {
  /** Multiply-accumulates of all epochs trained until then, those of this network included, for one image an epoch. */
  readonly compute: number;
  readonly macs: number;
  /** Of the validation images, which the run goes by. */
  readonly error: number;
  /** Of the test images. */
  readonly testError: number;
}

interface Run {
  readonly method: string;
  readonly seed: number;
  readonly found: readonly Found[];
  /** Multiply-accumulates of the whole run. */
  readonly compute: number;
}

async function runOnce(method: string, seed: number, folder: string): Promise<Run> {
  const file = join(folder, `${method.replace(/\W+/g, '-')}-${seed}.json`);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Run;
  const workdir = join(folder, 'workdirs', `${method.replace(/\W+/g, '-')}-${seed}`);
  const trained = new Map<number, number>();
  const complete: (Omit<Found, 'testError'> & { readonly trial: number })[] = [];
  let compute = 0;
  const begin = performance.now();
  /** Counts what a trial has been trained for since it was last heard of. */
  const count = (trial: number, until: number, macs: number): void => {
    compute += (until - (trained.get(trial) ?? 0)) * macs;
    trained.set(trial, until);
  };
  const loaded = parseExperiment(join(folder, 'experiment.yaml'), experiment(methods[method] ?? {}, seed));
  await runExperiment(loaded, { workdir, fresh: true }, (event) => {
    if (event.kind === 'trial-paused') count(event.number, event.epochs, event.values['macs'] ?? NaN);
    if (event.kind !== 'trial-finished' || event.stage !== 'search' || event.state !== 'complete') return;
    const { accuracy = NaN, macs = NaN } = event.values;
    count(event.number, epochs, macs);
    complete.push({ trial: event.number, compute, macs, error: 1 - accuracy });
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
    `${method}, seed ${seed}: ${trained.size} networks, ${found.length} trained to the end, ${minutes} min\n`,
  );
  return run;
}

/** A measure of what was found, over all runs. */
function normalised(runs: readonly Run[]): (found: readonly Found[]) => number {
  const pointOf = ({ error, testError, macs }: Found): readonly number[] => [
    judge === 'test' ? testError : error,
    macs,
  ];
  const all = runs.flatMap(({ found }) => found).map(pointOf);
  const ranges = [0, 1].map((axis) => {
    const values = all.map((point) => point[axis]);
    return [Math.min(...values), Math.max(...values)] as const;
  });
  const place = (point: readonly number[]): number[] =>
    point.map((value, axis) => (value - ranges[axis][0]) / (ranges[axis][1] - ranges[axis][0]));
  const whole = hypervolume(all.map(place), [1, 1]);
  return (found) => hypervolume(frontOf(found).map(pointOf).map(place), [1, 1]) / whole;
}

/** The frontier that a run reports. */
const frontOf = (found: readonly Found[]): readonly Found[] =>
  nonDominated(found.map(({ error, macs }) => [error, macs])).map((i) => found[i]);

const folder = resolve(options.output);
mkdirSync(folder, { recursive: true });
const names = options.methods?.split(',').map((name) => name.trim()) ?? Object.keys(methods);
const queue = new PQueue({ concurrency: Math.max(1, Math.floor(availableParallelism())) });
const runs = await Promise.all(
  seeds.flatMap((seed) => names.map((method) => queue.add(() => runOnce(method, seed, folder)))),
);

const measure = normalised(runs);
const of = (method: string): Run[] => runs.filter((run) => run.method === method);
const budget = Math.min(
  ...runs.filter(({ method }) => !('fidelity' in (methods[method] ?? {}))).map(({ compute }) => compute),
);
const shares = [0.1, 0.25, 0.5, 0.75, 1];
const at = ({ found }: Run, limit: number): number => measure(found.filter(({ compute }) => compute <= limit));
const table = new Table({
  head: [
    '',
    ...shares.map((share) => `${100 * share} % of the compute`),
    'whole run',
    'its compute',
    'networks on its front',
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
const full = of('surrogate');
for (const method of names.filter((name) => name.startsWith('surrogate +'))) {
  const needed = of(method).flatMap((run) => {
    const goal = full.find(({ seed }) => seed === run.seed);
    const reached = goal && run.found.find(({ compute }) => at(run, compute) >= measure(goal.found));
    return goal === undefined ? [] : [reached === undefined ? Infinity : reached.compute / goal.compute];
  });
  console.log(
    `${method}: reaches the full-length run's hypervolume after ${needed.map((share) => `${(100 * share).toFixed(0)} %`).join(', ')} of its compute`,
  );
}
