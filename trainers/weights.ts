import { NasError } from '../base/errors.js';
import { contentHash } from '../base/hash.js';
import { type Member, type Network, sharedName } from '../spaces/index.js';
import {
  drawWeights,
  slicedTo,
  type Weights,
  type WeightSpec,
  weightSpecs,
  type WeightValue,
} from '../spaces/models/index.js';
import { readTensorFile, writeTensorFile } from './tensor-file.js';
import { readFileSync } from 'node:fs';
import { product } from '../base/statistics.js';

/** Writes a network's weights atomically. @param meta JSON to store with them */
export function saveWeights(weights: Weights, file: string, meta: unknown = {}): void {
  writeTensorFile(file, meta, weights);
}

/**
 * Reads a network's weights from a file that `saveWeights` or `fit` wrote.
 * @throws NasError `failure` when the file is damaged or holds another network's weights
 */
export const readWeights = (network: Network, file: string): Weights =>
  weightsIn(readTensorFile(file).tensors, network, file);

function weightsIn(tensors: Weights, network: Network, file: string): Weights {
  for (const { name, shape } of weightSpecs(network)) {
    const found = tensors.get(name);
    if (String(found?.shape) === String(shape)) continue;
    const what = found ? `${name} has shape [${found.shape}], expected [${shape}]` : `there is no value for ${name}`;
    throw new NasError('failure', `${file} does not hold the weights of this network: ${what}`);
  }
  return tensors;
}

/** A hash of a file's weights only; its metadata contains training times. */
export function weightsHash(file: string): string {
  const { tensors } = readTensorFile(file);
  return contentHash(
    'weights',
    ...[...tensors].flatMap(([name, { shape, data }]) => [
      name,
      shape,
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    ]),
  );
}

/** Trained initial weights for a training, as plain data. */
export interface InitialWeights {
  /** File written by `fit`, `fitSupernet` or `saveWeights`. */
  readonly file: string;
  /** The places of the network's blocks (`Member`) when the file holds shared weights; absent: it holds the network's own. */
  readonly places?: readonly string[] | undefined;
  /** Initialises weights that are missing or smaller in the file at random; by default they are an error. */
  readonly partial?: boolean | undefined;
}

/** Changes with the initial weights; null for random weights. */
export const initialHash = (initial: InitialWeights | undefined): string | null =>
  initial === undefined ? null : contentHash(readFileSync(initial.file), ...(initial.places ?? []));

/**
 * The initial weights of a network from a file. Random again: a head with another number of classes, and, from shared
 * weights, batch norm's moving statistics, which belong to one network.
 * @param seed of random weights, as in `initialWeights`
 * @param stem takes the place of a random stem
 * @throws NasError `failure` when the file is damaged, or lacks a weight and `partial` is not set
 */
export function readInitial(network: Network, seed: number, initial: InitialWeights, stem?: WeightValue): Weights {
  const { file, places, partial = false } = initial;
  const { tensors } = readTensorFile(file);
  const specs = weightSpecs(network);
  const fresh = freshWeights(specs, seed, stem);
  return new Map(
    specs.map((spec) => {
      const nameOf = places && ((name: string) => sharedName({ network, places }, name));
      const found = partOf(spec, tensors, network.classes, nameOf);
      if ('why' in found && !partial)
        throw new NasError('failure', `${file} does not hold the weights of this network: ${found.why}`);
      return [spec.name, startOf(spec, found, fresh)];
    }),
  );
}

/** The stem's filters: name of the weight in every network, and among shared weights. */
export const stemKernel = 'stem/kernel';

/**
 * Random initial weights, as in `drawWeights`, with a whitened stem if there is one.
 * @param stem value of `stemKernel`
 */
export const freshWeights = (specs: readonly WeightSpec[], seed: number, stem?: WeightValue): Weights =>
  new Map([...drawWeights(specs, seed), ...(stem === undefined ? [] : [[stemKernel, stem] as const])]);

/** Whether two values are equal bit for bit. */
export const isSameValue = (a: WeightValue | undefined, b: WeightValue): boolean =>
  a !== undefined && String(a.shape) === String(b.shape) && a.data.every((value, i) => Object.is(value, b.data[i]));

/**
 * Initial values of shared weights: given parts where they fit, otherwise random.
 * @param specs by shared name
 * @param seed of random weights, as in `drawWeights`
 * @param given by shared name
 * @param stem takes the place of a random stem
 */
export function startShared(
  specs: readonly WeightSpec[],
  seed: number,
  classes: number,
  given: Weights,
  stem?: WeightValue,
): Weights {
  const fresh = freshWeights(specs, seed, stem);
  return new Map(
    specs.map((spec) => [
      spec.name,
      startOf(
        spec,
        partOf(spec, given, classes, (name) => name),
        fresh,
      ),
    ]),
  );
}

function startOf({ name }: WeightSpec, found: InitialPart, fresh: Weights): WeightValue {
  const start = 'part' in found ? found.part : fresh.get(name);
  if (start === undefined) throw new Error(`${name} has no initial value`);
  return start;
}

/** How much of a network the given weights cover. */
export interface Coverage {
  /** Layers with a given kernel, and all layers with a kernel. */
  readonly layers: { readonly given: number; readonly all: number };
  /** Share of the trainable values, in [0, 1]. */
  readonly share: number;
}

/** How much of a network the shared weights cover when `readInitial` reads them. */
export function coverageOf(member: Pick<Member, 'network' | 'places'>, shared: Weights): Coverage {
  const { network } = member;
  const nameOf = (name: string): string => sharedName(member, name);
  const layers = { given: 0, all: 0 };
  const values = { given: 0, all: 0 };
  for (const spec of weightSpecs(network).filter(({ trainable }) => trainable)) {
    const given = 'part' in partOf(spec, shared, network.classes, nameOf) ? 1 : 0;
    const size = product(spec.shape);
    values.given += given * size;
    values.all += size;
    if (!spec.name.endsWith('kernel')) continue;
    layers.given += given;
    layers.all += 1;
  }
  return { layers, share: values.given / values.all };
}

/** What a weight starts from: `part` of the given weights, new random numbers as always (`fresh`), or those because of `why`. */
type InitialPart = { readonly part: WeightValue } | { readonly fresh: true } | { readonly why: string };

/** @param nameOf the name of a weight among shared ones; undefined: the given weights are a network's own */
function partOf(
  { name, shape, trainable }: WeightSpec,
  given: Weights,
  classes: number,
  nameOf: ((name: string) => string) | undefined,
): InitialPart {
  const isShared = nameOf !== undefined;
  const isOtherHead = name.startsWith('logits/') && given.get('logits/bias')?.shape[0] !== classes;
  if (isOtherHead || (isShared && !trainable)) return { fresh: true };
  const own = nameOf?.(name) ?? name;
  const value = given.get(own);
  if (value === undefined) return { why: `${own} is missing` };
  const fits = isShared
    ? value.shape.length === shape.length && shape.every((side, axis) => side <= value.shape[axis])
    : String(value.shape) === String(shape);
  if (fits) return { part: slicedTo(value, shape) };
  return { why: `${own} has shape [${value.shape}], expected ${isShared ? 'at least ' : ''}[${shape}]` };
}
