import { canonicalJson } from '../../../base/hash.js';
import { parseExperiment, trainingOf } from '../../../experiments/parse/index.js';
import type { TrainingExperiment } from '../../../experiments/schema/experiment.js';
import { specialized } from '../../../runner/specialize.js';
import { dataSettings, labelledImages, tuneTraining } from '../../../trainers/index.js';
import { experimentsOf } from './check.js';
import { laidOver, type Row } from './row.js';
import type { KindOfRows } from './rows/kinds.js';
import { plainKey } from './walk.js';

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
  'search.from': 'trials of the old search',
  'latency.budget_ms': '--latency says it',
  'objectives[].constraint.*': 'bounds of accuracy and latency are of the old search',
  'objectives[].name': 'accuracy and latency are always objectives',
  'objectives[].cost': 'accuracy and latency are always objectives',
  'evaluate.*': 'refused beside a supernet',
  'data.type': 'other data have other weights',
};

/** Keys of an experiment that `nas tune --data experiment.yaml` does not take, and why. */
const ofNewNetworks: Readonly<Record<string, string>> = {
  name: 'the file has its own',
  seed: '--seed says it',
  'space.* supernet.* search.* final* objectives[].* constraints.* compress.* latency.* evaluate.* workers.* log* budget.*':
    'of a search, and the file has its network',
  'teacher.*': 'the file itself would be one',
  'data.unlabelled': 'images without labels need a teacher',
  'train.from train.stem train.optimizer.* train.schedule train.warmup_epochs train.final_learning_rate':
    'a network that is trained already has another recipe',
  'train.epochs train.steps train.epoch_share train.batch train.tuning_rate': 'options of the command say it',
  'train.loss.type train.loss.temperature train.loss.alpha train.loss.beta': 'there is no teacher',
  'train.loss.label_smoothing train.ema': 'of the recipe, too',
  'train.augment[].alpha': 'images are not mixed',
  'train.checkpoint_seconds': 'results do not depend on it',
};

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

/** What `nas tune` takes of an experiment. */
function tuned(written: object): string {
  const { data, train, engine } = trainingOf(parsed(written));
  return canonicalJson([labelledImages(data), tuneTraining(1000, dataSettings(train)), engine]);
}

/** What each command takes of an experiment, and the keys that it leaves, with their reasons. */
const commands = { specialize: [derived, dropped], tune: [tuned, ofNewNetworks] } as const;

const takesNothing = (row: Row, whole: object, taken: (written: object) => string): boolean => {
  const all = experimentsOf(row, whole).slice(0, 2).map(taken);
  return new Set(all).size < all.length && all.every((one) => !one.startsWith('refused'));
};

/** Whether an entry of a table names a key; `*` stands for the rest of keys. */
const names = (one: string, key: string): boolean =>
  one.endsWith('*') ? key.startsWith(one.slice(0, -1)) : key === one;

/** Keys of rows that a command does not take though no reason says so, and reasons of keys that no row has. */
export function unexplained(command: keyof typeof commands, { whole, rows }: KindOfRows) {
  const [taken, reasons] = commands[command];
  const left = Object.keys(reasons).flatMap((one) => one.split(' '));
  const valid = rows.filter(({ changes }) => changes !== 'refused');
  const lost = valid.filter((row) => takesNothing(row, whole, taken)).map(({ key }) => plainKey(key));
  return {
    lost: lost.filter((key) => !left.some((one) => names(one, key))),
    unknown: left.filter((one) => !rows.some(({ key }) => names(one, plainKey(key)))),
  };
}
