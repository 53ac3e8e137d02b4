import { invalidInput } from '../../base/errors.js';

/** A size in a graph: a number, or a multiple of the batch N, which is known only when the graph runs. */
export type Dim = number | 'N' | `${number}N`;

/** Axes of real tensors are shorter than this where a batch is dynamic. */
const longest = 2 ** 26;

/**
 * The numbers that stand for N while sizes are computed, since TF.js computes with numbers; a graph knows only the symbol.
 *
 * No real size reaches the first, of which there can be no array either, and its multiples are exact: it is a power of
 * two. Sums are not, N - 1 looks like N. The second is the first prime beyond all real axes, with which sums are exact: a
 * second trace with it shows what depends on the batch in another way than as a multiple.
 */
export const standIns: readonly [number, number] = [2 ** 80, 67_108_879];

/**
 * The size as it stands in a graph.
 * @param batch what stands for N; null when no size depends on it
 * @throws NasError when the size depends on the batch but is no multiple of it.
 */
export function dimOf(size: number, batch: number | null): Dim {
  if (batch === null || size < longest) return size;
  const factor = Math.round(size / batch);
  const rest = size - factor * batch;
  const multiple = factor === 1 ? 'N' : (`${factor}N` as const);
  const isMultiple = factor > 0 && factor < longest;
  if (isMultiple && rest === 0) return multiple;
  const text = isMultiple ? `${multiple}${rest < 0 ? '' : '+'}${rest}` : String(size);
  throw batchDependence(`an axis of ${text} elements`);
}

/** Whether a size that is computed with is the same for every batch. */
export const isFixed = (size: number): boolean => size < longest;

/** A number that stands for the size; sizes of a graph differ where these do. */
export const sizeFor = (dim: Dim): number =>
  typeof dim === 'number' ? dim : Number(dim.slice(0, -1) || 1) * standIns[0];

export const batchDependence = (what: string, cause?: unknown) =>
  invalidInput(`${what} depends on the size N of the dynamic batch, which is known only at run time`, {
    hint: 'Sizes may be multiples of N; numbers, other sizes and what is read in JavaScript may not depend on it.',
    cause,
  });
