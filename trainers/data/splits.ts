import { invalidInput } from '../../base/errors.js';
import { splitNames, type SplitName } from './sources/index.js';

/** What the split of a data set depends on. */
export interface SplitShares {
  /** Share of all images kept for the test, per class, when the source has no test part. */
  readonly test: number;
  /** Share of the training images kept for validation, per class, when the source has no validation part. */
  readonly validation: number;
  /** Share of the remaining training images that are used, per class. */
  readonly subset: number;
}

/** What is known of each image without its pixels. */
export interface ImageTable {
  readonly count: number;
  readonly labels: Uint16Array;
  /** A hash of the pixels; equal for equal images. */
  readonly keys: Float64Array;
  /** Index into `splitNames` of the part that the source assigns; `unassigned` otherwise. */
  readonly assigned: Uint8Array;
}

export const unassigned = 255;

const partIndex: Readonly<Record<SplitName, number>> = { train: 0, validation: 1, test: 2 };

/** The code of a part in `ImageTable.assigned`. */
export const assignedCode = (split: SplitName | null): number => (split === null ? unassigned : partIndex[split]);

/** `share` of `count`, rounded, but at least 1, and leaving at least `rest`. */
const quota = (count: number, share: number, rest: number): number =>
  Math.min(count - rest, Math.max(1, Math.round(count * share)));

/**
 * The images of each split, as increasing indices. Splits are disjoint and stratified: every class has its share in
 * each, to within one image. What the source assigns stays. Within a class images are ordered by the hash of their
 * pixels, so the split depends on the images alone: on no seed, and on no file's name or place. Images that occur more
 * than once come last, which keeps them in training as long as the class has enough others: no image that we put into
 * the test is also trained on.
 * Throws NasError `invalid-input` when a class has too few images.
 */
export function splitImages(
  table: ImageTable,
  classes: readonly string[],
  shares: SplitShares,
): Record<SplitName, Uint32Array> {
  const given = new Set(table.assigned);
  const split: Record<SplitName, number[]> = { train: [], validation: [], test: [] };
  const pools = poolsByClass(table, classes.length, split);
  const takesTest = !given.has(partIndex.test);
  const takesValidation = !given.has(partIndex.validation);
  for (const [label, pool] of pools.entries()) {
    const needed = 1 + Number(takesTest) + Number(takesValidation);
    if (pool.length < needed) {
      throw invalidInput(
        `class ${classes[label]} has ${pool.length} images to train on; at least ${needed} are needed ` +
          `to have one in each of ${splitNames.join(', ')}`,
        { hint: 'Add images to the class or remove it.' },
      );
    }
    let next = 0;
    const take = (name: SplitName, count: number): void => {
      for (const image of pool.slice(next, next + count)) split[name].push(image);
      next += count;
    };
    if (takesTest) take('test', quota(pool.length, shares.test, needed - 1));
    if (takesValidation) take('validation', quota(pool.length - next, shares.validation, 1));
    take('train', quota(pool.length - next, shares.subset, 0));
  }
  return {
    train: Uint32Array.from(split.train).sort(),
    validation: Uint32Array.from(split.validation).sort(),
    test: Uint32Array.from(split.test).sort(),
  };
}

/** Per class, the images that may train, in the order of splitting; the source's own validation and test go to `split`. */
function poolsByClass(table: ImageTable, classes: number, split: Record<SplitName, number[]>): number[][] {
  const seen = new Map<number, number>();
  for (const key of table.keys) seen.set(key, (seen.get(key) ?? 0) + 1);
  const pools = Array.from({ length: classes }, (): number[] => []);
  for (let i = 0; i < table.count; i++) {
    const name = splitNames.at(table.assigned[i]);
    if (name === 'validation' || name === 'test') split[name].push(i);
    else pools[table.labels[i]].push(i);
  }
  const { keys } = table;
  const order = keys.map((key) => (seen.get(key) === 1 ? key : key + duplicateOffset));
  for (const pool of pools) pool.sort((a, b) => order[a] - order[b] || a - b);
  return pools;
}

/** Larger than any key (52 bits). */
const duplicateOffset = 2 ** 52;
