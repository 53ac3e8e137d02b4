import { readFileSync } from 'node:fs';
import { NasError } from '../base/errors.js';
import { contentHash } from '../base/hash.js';
import { sharedName, type Network } from '../spaces/index.js';
import {
  initialWeights,
  slicedTo,
  weightSpecs,
  type WeightSpec,
  type WeightValue,
  type Weights,
} from '../spaces/models/index.js';
import { readTensorFile } from './tensor-file.js';

/** Trained weights that a training starts from instead of random ones. Plain data. */
export interface InitialWeights {
  /** What `fit`, `fitSupernet` or `saveWeights` wrote. */
  readonly file: string;
  /**
   * The places of the network's blocks (`Member`): the file then holds weights by shared name, of which the network takes
   * its part. Absent: the file holds the network's own.
   */
  readonly places?: readonly string[] | undefined;
}

/** Changes with what a training would start from; null for random weights. */
export const initialHash = (initial: InitialWeights | undefined): string | null =>
  initial === undefined ? null : contentHash(readFileSync(initial.file), ...(initial.places ?? []));

/**
 * The weights of a network as a file gives them. A head of another number of classes starts afresh, and so do batch
 * norm's moving statistics, which belong to one network, where the weights are shared ones.
 * @param seed of what starts afresh, as in `initialWeights`
 * @throws NasError `failure` when the file is damaged or lacks a weight of the network
 */
export function readInitial(network: Network, seed: number, { file, places }: InitialWeights): Weights {
  const { tensors } = readTensorFile(file);
  const classes = tensors.get('logits/bias')?.shape[0];
  const isFresh = ({ name, trainable }: WeightSpec): boolean =>
    (!trainable && places !== undefined) || (name.startsWith('logits/') && classes !== network.classes);
  const found = ({ name, shape }: WeightSpec): WeightValue => {
    const own = places === undefined ? name : sharedName(places, name);
    const value = tensors.get(own);
    const why = mismatch(value, shape, places !== undefined);
    if (value === undefined || why !== null)
      throw new NasError('failure', `${file} does not hold the weights of this network: ${own} ${why ?? ''}`);
    return slicedTo(value, shape);
  };
  const fresh = initialWeights(network, seed);
  return new Map(
    weightSpecs(network).map((spec) => {
      const start = isFresh(spec) ? fresh.get(spec.name) : undefined;
      return [spec.name, start ?? found(spec)];
    }),
  );
}

/** Why a value is none for a weight of this shape; null when it is one. */
function mismatch(value: WeightValue | undefined, shape: readonly number[], sliced: boolean): string | null {
  if (value === undefined) return 'is missing';
  const fits = sliced
    ? value.shape.length === shape.length && shape.every((side, axis) => side <= value.shape[axis])
    : String(value.shape) === String(shape);
  return fits ? null : `has shape [${value.shape}], expected ${sliced ? 'at least ' : ''}[${shape}]`;
}
