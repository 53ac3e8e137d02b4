import type { OutputKind } from '../../../compiler/runtime/classifier/inputs-outputs.js';
import { NotAnswered } from '../../inference/types.js';

export interface Ranked {
  /** Index of the class. */
  readonly index: number;
  /** In [0, 1]. */
  readonly probability: number;
}

/** What stands for the probability of an output, given the largest of all, before the sum is 1. */
const weightOf: { readonly [K in OutputKind]: (output: number, largest: number) => number } = {
  logits: (output, largest) => Math.exp(output - largest),
  probabilities: (output) => output,
};

/**
 * The most likely classes of one image, the likeliest first, of equals the first: without sorting them all.
 * @param outputs [classes]; probabilities are given back as they are
 * @param count at least 1; no more than there are classes come back
 * @throws NotAnswered `failed` when an output is no finite number
 */
export function mostLikely(outputs: Float32Array, kind: OutputKind, count: number): readonly Ranked[] {
  if (!outputs.every(Number.isFinite)) throw new NotAnswered('failed', 'the network gave values that are no numbers');
  const best = largest(outputs, count);
  const weight = (index: number): number => weightOf[kind](outputs[index], outputs[best[0]]);
  const total = kind === 'probabilities' ? 1 : outputs.reduce((sum, _, index) => sum + weight(index), 0);
  return best.map((index) => ({ index, probability: weight(index) / total }));
}

/** Indices of the largest values. */
function largest(values: Float32Array, count: number): readonly number[] {
  const best: number[] = [];
  for (let index = 0; index < values.length; index++) {
    if (best.length === count && values[index] <= values[best[count - 1]]) continue;
    let at = Math.min(best.length, count - 1);
    for (; at > 0 && values[best[at - 1]] < values[index]; at--) best[at] = best[at - 1];
    best[at] = index;
  }
  return best;
}
