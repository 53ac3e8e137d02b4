import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isTableExperiment, parseExperiment } from '../../experiments/index.js';
import { runExperiment } from '../../runner/index.js';
import { mean } from '../../base/statistics.js';
import { hypervolume, nonDominated } from '../../search/index.js';
import { testErrors } from '../search/judge.js';
import {
  each,
  imagesOf,
  points,
  progress,
  recipes,
  signed,
  standardError,
  type Recipe,
  type Setting,
} from './setting.js';
import type { Rows } from './studies.js';

/** A network that a search trained completely. */
export interface Found {
  /** Costs and scores by name. */
  readonly values: Readonly<Record<string, number>>;
  /** On validation images, which the search uses. */
  readonly error: number;
  readonly testError: number;
}

/** An ordinary run on CIFAR-10 with further keys of the experiment. Cached by name and seed. */
export async function foundBy(setting: Setting, name: string, seed: number, keys: object): Promise<readonly Found[]> {
  const file = join(setting.folder, `search-${name}-${seed}.json`);
  // Written below.
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Found[];
  const { data } = await imagesOf('cifar', setting);
  const written = {
    name: 'recipes',
    seed,
    data,
    space: { type: 'mobilenet', preset: 'tiny' },
    train: setting.quick ? { steps: 5 } : {},
    objectives: ['accuracy', 'macs'],
    search: { trials: setting.quick ? 3 : 12 },
    engine: { threads: 1 },
    ...keys,
  };
  const workdir = join(setting.folder, `search-${name}-${seed}`);
  const loaded = parseExperiment(join(setting.folder, 'search.yaml'), JSON.stringify(written));
  const complete: (Omit<Found, 'testError'> & { readonly trial: number })[] = [];
  await runExperiment(loaded, { workdir, fresh: true }, (event) => {
    if (event.kind !== 'trial-finished' || event.state !== 'complete' || event.stage !== 'search') return;
    const { accuracy = 0 } = event.values;
    complete.push({ trial: event.number, values: event.values, error: 1 - accuracy });
  });
  if (isTableExperiment(loaded.experiment)) throw new Error('a table has no images');
  const trials = complete.map(({ trial }) => trial);
  const errors = await testErrors(loaded.experiment, workdir, trials);
  const found = complete.map(({ trial, ...rest }) => ({ ...rest, testError: errors.get(trial) ?? NaN }));
  writeFileSync(file, JSON.stringify(found));
  rmSync(workdir, { recursive: true });
  progress(`${name}, seed ${seed}: best test accuracy ${points(1 - Math.min(...found.map((one) => one.testError)))}`);
  return found;
}

/** A run whose `train:` names nothing but the recipe. */
const search = (setting: Setting, recipe: Recipe, seed: number): Promise<readonly Found[]> =>
  foundBy(setting, recipe, seed, { train: { recipe, ...(setting.quick ? { steps: 5 } : {}) } });

/** Error of guessing among ten classes. */
const chance = 0.9;

/**
 * Searches that differ in the recipe only: hypervolume, on test images, of the frontier by validation accuracy. The axes are the
 * error, up to the error of guessing, and the logarithm of MACs, scaled to the range of all searches of a seed.
 */
export async function searches(setting: Setting): Promise<Rows> {
  const runs = await each(setting.seeds, (seed) => each(recipes, (recipe) => search(setting, recipe, seed)));
  const scores = runs.map((pair) => {
    const costs = pair.flat().map(({ values }) => Math.log(values['macs']));
    const [low, high] = [Math.min(...costs), Math.max(...costs)];
    return pair.map((found) => {
      const front = nonDominated(found.map(({ error, values }) => [error, values['macs']])).map((i) => found[i]);
      const placed = front.map(({ testError, values }) => [testError, (Math.log(values['macs']) - low) / (high - low)]);
      return hypervolume(placed, [chance, 1.1]);
    });
  });
  const gains = scores.map(([plain, fast]) => fast / plain - 1);
  const column = (i: number): string => scores.map((pair) => pair[i].toFixed(3)).join(' ');
  return [
    ['hypervolume', ...recipes, 'gain in %', 'bar'],
    [
      `seeds ${setting.seeds.join(', ')}`,
      column(0),
      column(1),
      `${signed(mean(gains))}${gains.length > 1 ? ` ± ${points(standardError(gains))}` : ''}`,
      '+15',
    ],
  ];
}
