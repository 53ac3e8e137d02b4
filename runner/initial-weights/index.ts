import { readFileSync } from 'node:fs';
import { invalidInput } from '../../base/errors.js';
import { contentHash } from '../../base/hash.js';
import { extremes, memberOf, sharedName, styleOf, type Network, type Space } from '../../spaces/index.js';
import type { Weights, WeightValue } from '../../spaces/models/index.js';
import {
  coverageOf,
  saveWeights,
  unfoldBatchNorm,
  withDataset,
  type Coverage,
  type DatasetInfo,
  type DatasetRef,
  type Size,
} from '../../trainers/index.js';
import type { Locating } from '../../experiments/parse/index.js';
import type { TrainingExperiment } from '../../experiments/schema/experiment.js';
import { type FoundWeights, readFoundWeights, weightsFilesOf } from './read.js';
import { growWeights } from './grow.js';
import { overlapOf, type StageUse, usesOf } from './uses.js';

/** Hash of all files that the weights of a path are read from. */
export const initialContent = (path: string): string =>
  contentHash(...weightsFilesOf(path).map((file) => readFileSync(file)));

const percent = (share: number): string => `${Math.round(100 * share)} %`;

const covered = ({ layers, share }: Coverage): string =>
  layers.given === layers.all && share === 1
    ? `all ${layers.all} layers`
    : `${layers.given} of ${layers.all} layers (${percent(share)} of the weights)`;

/** The parts of the data that decide shapes of weights: of the head's output, and the first convolution's input. */
type Images = Pick<DatasetInfo, 'classes' | 'channels'>;

/** What `train.from` gives the networks of a space. */
export interface InitialPlan {
  /** How many layers of the largest and the smallest network it gives. */
  readonly note: string;
  /** What the largest network takes, by stage. */
  readonly stages: readonly StageUse[];
  /** Sizes of the images that its conversion needs. */
  readonly sizes: readonly Size[];
}

/**
 * The plan for `train.from` of an experiment; null without it.
 * @throws NasError `invalid-input` as `checkInitial`, with the place in the file
 */
export async function planInitial(
  { initial }: TrainingExperiment,
  { space, data, locating }: { readonly space: Space; readonly data: Images; readonly locating: Locating },
): Promise<InitialPlan | null> {
  return initial === undefined ? null : locating(['train', 'from'], () => checkInitial(initial, space, data));
}

/**
 * Checks that the weights of a path fit networks of a space.
 * @throws NasError `invalid-input` when the path holds no weights, or nothing of them fits
 */
export async function checkInitial(path: string, space: Space, data: Images): Promise<InitialPlan> {
  const { smallest, largest } = extremes(space);
  const members = [largest, smallest].map(({ genotype }) => memberOf(space, genotype));
  const found = await readFoundWeights(path, space);
  const shared = sharedWeightsOf(found, data.classes);
  requireSameChannels(path, shared, data);
  const grows = isForeign(found);
  const [most, least] = members.map((member) => (grows ? overlapOf(member, shared) : coverageOf(member, shared)));
  if (most.layers.given + least.layers.given > 0)
    return {
      note: `Trainings start from ${path}: the largest network of the space takes ${covered(most)} from it, the smallest ${covered(least)}${headNote(found, data.classes)}${styleNote(found, members[0].network)}`,
      stages: usesOf(members[0], shared, grows),
      sizes: found.kind === 'network' && found.folded ? [sizeOf(found.model.network)] : [],
    };
  const example = [...shared].find(([name]) => name.endsWith('kernel'));
  const has = example === undefined ? '' : ` (it has ${example[0]} [${example[1].shape.join(', ')}])`;
  throw invalidInput(`nothing in ${path} fits the networks of the space ${space.name}${has}`, {
    hint: 'Weights are taken by stage and position: use the weights of a network of the same space.',
  });
}

const isForeign = (found: FoundWeights): boolean => found.kind === 'network' && found.isForeign;

const sizeOf = ({ input: [height, width] }: Network): Size => [height, width];

/** Why the head starts at random; empty when it is taken from the file. */
function headNote({ classes: known }: FoundWeights, classes: readonly string[]): string {
  if (known === null) return '. The head starts at random: the file does not name its classes';
  const missing = classes.filter((name) => !known.includes(name));
  if (missing.length === 0) return '';
  return `. The head starts at random: the file has other classes (it lacks ${missing.slice(0, 3).join(', ')})`;
}

/** What a file of another program computes differently in layers whose weights are taken. */
function styleNote(found: FoundWeights, largest: Network): string {
  if (found.kind !== 'network' || !isForeign(found)) return '';
  const [own, wanted] = [found.model.network, largest].map(styleOf);
  // Moving averages do not change what a file computes, and folded norms have no epsilon.
  const compared = (['epsilon', 'padding', 'squeeze', 'gate'] as const).filter(
    (key) => key !== 'epsilon' || !found.folded,
  );
  const differing = compared.filter((key) => own[key] !== wanted[key]);
  if (differing.length === 0) return '';
  const each = differing.map((key) => `${key} ${own[key]}, not ${wanted[key]}`).join('; ');
  return `. The file computes differently (${each}): set space.flavour or space.style`;
}

/** Input channels cannot be sliced as hidden ones are: each has a meaning of its own. */
function requireSameChannels(path: string, shared: Weights, { channels }: Images): void {
  const own = shared.get('stem/kernel')?.shape[2];
  if (own !== undefined && own !== channels)
    throw invalidInput(`the network of ${path} takes images with ${own} channels; the data's have ${channels}`);
}

export interface ConvertOptions {
  readonly space: Space;
  readonly dataset: DatasetRef;
  /** File to write, with weights by shared name. */
  readonly file: string;
  readonly meta: unknown;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Converts the weights of a path into a file of which networks of a space take their parts. Batch norm that was folded into
 * kernels gets statistics back, from images of the data.
 */
export async function convertInitial(path: string, options: ConvertOptions): Promise<void> {
  const { space, dataset, file, meta, onProgress } = options;
  const found = await readFoundWeights(path, space);
  await withDataset(dataset, async (open) => {
    const whole =
      found.kind === 'network' && found.folded
        ? { ...found, model: await unfoldBatchNorm(found.model, open, { ...(onProgress && { onProgress }) }) }
        : found;
    const shared = sharedWeightsOf(whole, open.info.classes);
    const largest = memberOf(space, extremes(space).largest.genotype);
    saveWeights(isForeign(found) ? growWeights(shared, space, largest) : shared, file, meta);
  });
}

/** Values [..., classes], restricted to some classes in this order. */
function chosen({ shape, data }: WeightValue, order: readonly number[]): WeightValue {
  const classes = shape[shape.length - 1];
  const rows = data.length / classes;
  return {
    shape: [...shape.slice(0, -1), order.length],
    data: Float32Array.from({ length: rows * order.length }, (_, i) => {
      const row = Math.floor(i / order.length);
      return data[row * classes + order[i % order.length]];
    }),
  };
}

/**
 * Found weights by their shared names in a space. The logits have the data's classes, in their order, where the file names them
 * all; otherwise they are left out: an equal number of classes does not make them the same.
 * @param classes names of the data's classes
 */
export function sharedWeightsOf(found: FoundWeights, classes: readonly string[]): Weights {
  const weights = found.kind === 'shared' ? found.weights : found.model.weights;
  const nameOf = (name: string): string =>
    found.kind === 'shared' ? name : sharedName({ places: found.places, network: found.model.network }, name);
  return new Map(
    [...withClasses(weights, found.classes, classes)].map(([name, value]) => [nameOf(name), value] as const),
  );
}

/** Weights whose logits have these classes, in their order; without logits where not all of them are known. */
export function withClasses(weights: Weights, known: readonly string[] | null, classes: readonly string[]): Weights {
  const order = classes.map((name) => known?.indexOf(name) ?? -1);
  return new Map(
    [...weights].flatMap(([name, value]) => {
      if (!/^(logits|classes\d*)\//.test(name)) return [[name, value] as const];
      return order.includes(-1) ? [] : [[name, chosen(value, order)] as const];
    }),
  );
}
