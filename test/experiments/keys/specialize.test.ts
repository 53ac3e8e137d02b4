import { beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../base/hash.js';
import { parseExperiment } from '../../../experiments/parse/index.js';
import type { TrainingExperiment } from '../../../experiments/schema/experiment.js';
import { specialized } from '../../../runner/specialize.js';
import { cachedFolder } from '../../runner/experiment.js';
import { experimentsOf } from './check.js';
import { writeFiles, type KeyFiles } from './files.js';
import { laidOver, type Row } from './row.js';
import { kinds } from './rows/kinds.js';
import { plainKey } from './walk.js';

const folder = cachedFolder();
let files: KeyFiles;
beforeAll(async () => {
  files = await writeFiles(folder);
});

/** Keys that a specialization does not take from its run, and why. */
const dropped: Readonly<Record<string, string>> = {
  'supernet.*': 'the weights are trained already',
  'train.from': 'the networks start from the supernet',
  final: '--epochs says whether there is one',
  'final.from': 'the networks start from the supernet',
  'final.folds': 'the supernet has seen the images of every fold',
  'final.epochs': '--epochs says it',
  'final.steps': '--epochs says it',
  'search.trials': '--trials says it',
  'search.stop.*': '--trials ends the search',
  'search.evaluate': 'slices are evaluated',
  'search.fidelity.*': 'slices are not trained',
  'search.enqueue[]*': 'networks of the old search',
  'search.seed_from': 'networks of the old search',
  'latency.budget_ms': '--latency says it',
  'objectives[].constraint.*': 'bounds of accuracy and latency are of the old search',
  'objectives[].name': 'accuracy and latency are always objectives',
  'objectives[].cost': 'accuracy and latency are always objectives',
  'evaluate.*': 'refused beside a supernet',
  'data.type': 'other data have other weights',
};

/** Whether an entry of `dropped` names a key; `*` stands for the rest of keys. */
const names = (one: string, key: string): boolean =>
  one.endsWith('*') ? key.startsWith(one.slice(0, -1)) : key === one;

const isDropped = (key: string): boolean => Object.keys(dropped).some((one) => names(one, key));

const parsed = (written: object) => parseExperiment('experiment.yaml', JSON.stringify(written), { checkFiles: false });

/** The specialization of an experiment with a supernet, with all defaults, or why there is none. */
function derived(written: object): string {
  try {
    const { experiment, written: own } = parsed(
      laidOver(written, { supernet: { epochs: 1 }, evaluate: null }) as object,
    );
    const wanted = { latencyMs: 1, trials: 5, epochs: 3 };
    const made = specialized('/runs/whole', own as Record<string, unknown>, experiment as TrainingExperiment, wanted);
    return canonicalJson({ ...parsed(made).experiment });
  } catch (error) {
    return `refused: ${String(error)}`;
  }
}

const keepsNothing = (row: Row, whole: object): boolean => {
  const all = experimentsOf(row, whole).slice(0, 2).map(derived);
  return new Set(all).size < all.length && all.every((one) => !one.startsWith('refused'));
};

describe('nas specialize', () => {
  it('takes every key of the run, but those whose reason is known', () => {
    const { whole, rows } = kinds.training(files);
    const lost = rows.filter((row) => keepsNothing(row, whole)).map(({ key }) => plainKey(key));
    expect(lost.filter((key) => !isDropped(key))).toEqual([]);
    const unknown = Object.keys(dropped).filter((key) => !rows.some((row) => names(key, plainKey(row.key))));
    expect(unknown).toEqual([]);
  });
});
