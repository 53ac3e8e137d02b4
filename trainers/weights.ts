import * as tf from '@tensorflow/tfjs-core';
import { NasError } from '../base/errors.js';
import { contentHash } from '../base/hash.js';
import { type Network, sharedName } from '../spaces/index.js';
import {
  drawWeights,
  initialWeights,
  slicedTo,
  type Weights,
  weightsFrom,
  type WeightSpec,
  weightSpecs,
  type WeightValue,
} from '../spaces/models/index.js';
import { readTensorFile, writeTensorFile } from './tensor-file.js';
import { readFileSync } from 'node:fs';

/** Sets variables to values of the same names and shapes; @throws Error when one is missing or has another shape. */
export function assignAll(variables: ReadonlyMap<string, tf.Variable>, values: Weights): void {
  const value = weightsFrom(values);
  for (const [name, variable] of variables) tf.tidy(() => variable.assign(value(name, variable.shape)));
}

/**
 * Writes a network's weights, atomically.
 * @param meta anything to keep with them, as JSON
 */
export function saveWeights(weights: Weights, file: string, meta: unknown = {}): void {
  writeTensorFile(file, meta, weights);
}

/**
 * A network's weights from a file that `saveWeights` or `fit` wrote.
 * @throws NasError `failure` when the file is damaged or holds another network's weights
 */
export function readWeights(network: Network, file: string): Weights {
  const { tensors } = readTensorFile(file);
  for (const { name, shape } of weightSpecs(network)) {
    const found = tensors.get(name);
    if (String(found?.shape) === String(shape)) continue;
    const what = found ? `${name} has shape [${found.shape}], expected [${shape}]` : `there is no value for ${name}`;
    throw new NasError('failure', `${file} does not hold the weights of this network: ${what}`);
  }
  return tensors;
}

/** A hash of a file's weights alone: the file may also say how long training took. */
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

/** Trained weights that a training starts from instead of random ones. Plain data. */
export interface InitialWeights {
  /** What `fit`, `fitSupernet` or `saveWeights` wrote. */
  readonly file: string;
  /**
   * The places of the network's blocks (`Member`): the file then holds weights by shared name, of which the network takes
   * its part. Absent: the file holds the network's own.
   */
  readonly places?: readonly string[] | undefined;
  /** Whether what the file lacks, or has smaller than the network, starts afresh; by default that is an error. */
  readonly partial?: boolean | undefined;
}

/** Changes with what a training would start from; null for random weights. */
export const initialHash = (initial: InitialWeights | undefined): string | null =>
  initial === undefined ? null : contentHash(readFileSync(initial.file), ...(initial.places ?? []));

/**
 * The weights of a network as a file gives them. A head of another number of classes starts afresh, and so do batch
 * norm's moving statistics, which belong to one network, where the weights are shared ones.
 * @param seed of what starts afresh, as in `initialWeights`
 * @throws NasError `failure` when the file is damaged, or lacks a weight of the network and is not `partial`
 */
export function readInitial(network: Network, seed: number, initial: InitialWeights): Weights {
  const { file, places, partial = false } = initial;
  const { tensors } = readTensorFile(file);
  const fresh = initialWeights(network, seed);
  return new Map(
    weightSpecs(network).map((spec) => {
      const found = partOf(spec, tensors, { classes: network.classes, places });
      if ('why' in found && !partial)
        throw new NasError('failure', `${file} does not hold the weights of this network: ${found.why}`);
      return [spec.name, startOf(spec, found, fresh)];
    }),
  );
}

/**
 * What shared weights start from: the parts that others give of them; what those lack or have smaller starts afresh.
 * @param specs by shared name
 * @param seed of what starts afresh, as in `drawWeights`
 * @param given by shared name
 */
export function startShared(specs: readonly WeightSpec[], seed: number, classes: number, given: Weights): Weights {
  const fresh = drawWeights(specs, seed);
  // Shared names have no numbers of blocks that places would stand for.
  return new Map(specs.map((spec) => [spec.name, startOf(spec, partOf(spec, given, { classes, places: [] }), fresh)]));
}

function startOf({ name }: WeightSpec, found: Part, fresh: Weights): WeightValue {
  const start = 'part' in found ? found.part : fresh.get(name);
  if (start === undefined) throw new Error(`${name} has no initial value`);
  return start;
}

/** How much of a network comes from given weights. */
export interface Coverage {
  /** Layers with a kernel that is given, and all of them. */
  readonly layers: { readonly given: number; readonly all: number };
  /** Share of the values that are trained, in [0, 1]. */
  readonly share: number;
}

/** How much of a network's weights shared ones give, as `readInitial` takes them. */
export function coverageOf(network: Network, places: readonly string[], shared: Weights): Coverage {
  const layers = { given: 0, all: 0 };
  const values = { given: 0, all: 0 };
  for (const spec of weightSpecs(network).filter(({ trainable }) => trainable)) {
    const given = 'part' in partOf(spec, shared, { classes: network.classes, places }) ? 1 : 0;
    const size = spec.shape.reduce((a, b) => a * b, 1);
    values.given += given * size;
    values.all += size;
    if (!spec.name.endsWith('kernel')) continue;
    layers.given += given;
    layers.all += 1;
  }
  return { layers, share: values.given / values.all };
}

/** The part of given weights that a network has as one of its own; or that it starts afresh; or why there is none. */
type Part = { readonly part: WeightValue } | { readonly fresh: true } | { readonly why: string };

function partOf(
  { name, shape, trainable }: WeightSpec,
  given: Weights,
  { classes, places }: { readonly classes: number; readonly places: readonly string[] | undefined },
): Part {
  const isShared = places !== undefined;
  const isOtherHead = name.startsWith('logits/') && given.get('logits/bias')?.shape[0] !== classes;
  if (isOtherHead || (isShared && !trainable)) return { fresh: true };
  const own = isShared ? sharedName(places, name) : name;
  const value = given.get(own);
  if (value === undefined) return { why: `${own} is missing` };
  const fits = isShared
    ? value.shape.length === shape.length && shape.every((side, axis) => side <= value.shape[axis])
    : String(value.shape) === String(shape);
  if (fits) return { part: slicedTo(value, shape) };
  return { why: `${own} has shape [${value.shape}], expected ${isShared ? 'at least ' : ''}[${shape}]` };
}
