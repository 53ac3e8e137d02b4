import { countsOf, groupBy } from '../../base/group.js';
import { invalidInput, NasError } from '../../base/errors.js';
import { counted } from '../../base/text.js';
import { splitNames, type SplitName, type SplitShares } from './splits.js';

/** Data of each image except its pixels. */
export interface ImageTable {
  readonly count: number;
  readonly labels: Uint16Array;
  /** A hash of the pixels; equal for equal images. */
  readonly keys: Float64Array;
  /** Index into `splitNames` of the split that the source assigns, or `unassigned`. */
  readonly assigned: Uint8Array;
  /** The group of each image, or `noGroup`; null: there are none. The images of a group stay in one split. */
  readonly groups: Uint32Array | null;
}

/** The group of an image that may be in any split. */
export const noGroup = 2 ** 32 - 1;

const unassigned = 255;

const partIndex: Readonly<Record<SplitName, number>> = { train: 0, validation: 1, test: 2 };

/** The code of a split in `ImageTable.assigned`. */
export const assignedCode = (split: SplitName | null): number => (split === null ? unassigned : partIndex[split]);

/** `share` of `count`, rounded: at least 1, and at most `count - rest`. */
const quota = (count: number, share: number, rest: number): number =>
  Math.min(count - rest, Math.max(1, Math.round(count * share)));

/**
 * Splits the images; returns increasing indices. Splits are disjoint and stratified: every class has its share in each, to
 * within one image. Splits assigned by the source stay. Within a class, images are ordered by the hash of their pixels, so
 * the split depends on the images only, not on a seed or file names. Duplicates come last: they stay in training as long
 * as the class has enough other images, so no test image is also trained on.
 * @param strata names of the labels, for messages: `class cat`
 * @throws NasError `invalid-input` when a class has too few images
 */
export function splitImages(
  table: ImageTable,
  strata: readonly string[],
  shares: SplitShares,
): Record<SplitName, Uint32Array> {
  const given = new Set(table.assigned);
  const split: Record<SplitName, number[]> = { train: [], validation: [], test: [] };
  const pools = poolsByClass(table, strata.length, split);
  const { groups } = table;
  const takesTest = !given.has(partIndex.test);
  const takesValidation = !given.has(partIndex.validation);
  for (const [label, pool] of pools.entries()) {
    const needed = 1 + Number(takesTest) + Number(takesValidation);
    if (pool.length < needed) {
      throw invalidInput(
        `${strata[label]} has ${counted(pool.length, 'image')} to train on; at least ${needed} are needed ` +
          `to have one in each of ${splitNames.join(', ')}`,
        { hint: 'Add images to the class or remove it.' },
      );
    }
    if (groups !== null) continue;
    let next = 0;
    const take = (name: SplitName, count: number): void => {
      for (const image of pool.slice(next, next + count)) split[name].push(image);
      next += count;
    };
    if (takesTest) take('test', quota(pool.length, shares.test, needed - 1));
    if (takesValidation) take('validation', quota(pool.length - next, shares.validation, 1));
    take('train', quota(pool.length - next, shares.subset, 0));
  }
  if (groups !== null) splitGroups({ table, groups, pools, split, strata, shares, takesTest, takesValidation });
  return {
    train: Uint32Array.from(split.train).sort(),
    validation: Uint32Array.from(split.validation).sort(),
    test: Uint32Array.from(split.test).sort(),
  };
}

/** Least images of a stratum: one for each split. */
const leastImages = 3;

/**
 * Strata of a multi-label data set for `splitImages`: the stratum of an image is its rarest label, so that each split has rare labels.
 * Sechidis et al. 2011 also distribute the rarest label first. Images without labels, or only of labels with too few images, are one
 * more stratum; fewer than three of them join the largest stratum.
 * @param names of the labels; empty: all images are one stratum
 * @param targets [count, labels], 0 or 1
 */
export function labelStrata(
  { count, assigned }: ImageTable,
  names: readonly string[],
  targets: Float32Array,
): { readonly labels: Uint16Array; readonly strata: readonly string[] } {
  const rest = names.length;
  const isSplit = (image: number): boolean => assigned[image] === unassigned || assigned[image] === partIndex.train;
  const sizes = (stratumOf: (image: number) => number): number[] => {
    const found = new Array<number>(rest + 1).fill(0);
    for (let image = 0; image < count; image++) if (isSplit(image)) found[stratumOf(image)]++;
    return found;
  };
  const images = names.map((_, label) => sizes((image) => (targets[image * rest + label] === 1 ? label : rest))[label]);
  const order = names.map((_, label) => label).sort((a, b) => images[a] - images[b] || a - b);
  const rarest = Uint16Array.from(
    { length: count },
    (_, image) => order.find((label) => targets[image * rest + label] === 1) ?? rest,
  );
  const own = sizes((image) => rarest[image]);
  const isKept = (stratum: number): boolean => own[stratum] >= leastImages;
  const others = own.reduce((sum, size, stratum) => sum + (stratum === rest || !isKept(stratum) ? size : 0), 0);
  const kept = names.map((_, label) => label).filter(isKept);
  const largest = kept.reduce((best, label) => (own[label] > own[best] ? label : best), kept.at(0) ?? rest);
  const target = others >= leastImages ? rest : largest;
  const strata = [...new Set([...kept, target])];
  return {
    labels: rarest.map((stratum) => strata.indexOf(kept.includes(stratum) ? stratum : target)),
    strata: strata.map((stratum) => (stratum === rest ? 'the data set' : `label ${names[stratum]}`)),
  };
}

interface GroupedImages {
  readonly table: ImageTable;
  readonly groups: Uint32Array;
  readonly pools: readonly (readonly number[])[];
  readonly split: Record<SplitName, number[]>;
  readonly strata: readonly string[];
  readonly shares: SplitShares;
  readonly takesTest: boolean;
  readonly takesValidation: boolean;
}

/**
 * Splits whole groups, in the order of their images: a split takes a group when more than half of its images are still missing
 * from the split's share of their classes. Every class is in every split.
 */
function splitGroups({ table, groups, pools, split, strata, shares, takesTest, takesValidation }: GroupedImages): void {
  // Images without a group are groups of one.
  const members = groupBy(pools.flat(), (image) => (groups[image] === noGroup ? -1 - image : groups[image]));
  const order = [...members.values()].sort((a, b) => lowestKey(table, a) - lowestKey(table, b) || a[0] - b[0]);
  let rest: readonly (readonly number[])[] = order;
  const taken = { test: takesTest, validation: takesValidation };
  for (const name of ['test', 'validation'] as const) {
    if (!taken[name]) continue;
    const left = pools.map(() => 0);
    for (const group of rest) for (const image of group) left[table.labels[image]]++;
    const wanted = left.map((count) => Math.max(1, Math.round(count * shares[name])));
    rest = rest.filter((group) => {
      const counts = classCounts(table, group);
      const fits = [...counts].reduce((sum, [label, count]) => sum + Math.min(count, Math.max(0, wanted[label])), 0);
      const others = [...counts].every(([label, count]) => left[label] > count);
      if (fits * 2 <= group.length || !others) return true;
      for (const [label, count] of counts) {
        wanted[label] -= count;
        left[label] -= count;
      }
      split[name].push(...group);
      return false;
    });
    const missing = strata.findIndex((_, label) => !split[name].some((image) => table.labels[image] === label));
    if (missing >= 0)
      throw invalidInput(`the groups of ${strata[missing]} cannot be split: none fits into ${name}`, {
        hint: `Give the class more groups, assign its split in the list, or raise data.${name}.`,
      });
  }
  const byClass = pools.map((): number[] => []);
  for (const image of rest.flat()) byClass[table.labels[image]].push(image);
  for (const pool of byClass) {
    pool.sort((a, b) => table.keys[a] - table.keys[b] || a - b);
    split.train.push(...pool.slice(0, quota(pool.length, shares.subset, 0)));
  }
}

const lowestKey = ({ keys }: ImageTable, images: readonly number[]): number =>
  images.reduce((lowest, image) => Math.min(lowest, keys[image]), Infinity);

export const classCounts = ({ labels }: Pick<ImageTable, 'labels'>, images: readonly number[]): Map<number, number> =>
  countsOf(images.map((image) => labels[image]));

/** The images of each class that may train, in splitting order; assigned validation and test images go to `split`. */
function poolsByClass(table: ImageTable, classes: number, split: Record<SplitName, number[]>): number[][] {
  const seen = countsOf(table.keys);
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

/** Splits, or why the images cannot be split. */
export function orRefusal<T>(splitting: () => T): T | NasError {
  try {
    return splitting();
  } catch (error) {
    if (error instanceof NasError && error.code === 'invalid-input') return error;
    throw error;
  }
}
