import { groupBy } from '../../base/group.js';
import { invalidInput } from '../../base/errors.js';
import { counted } from '../../base/text.js';
import { classCounts, noGroup, type ImageTable } from './split-images.js';
import type { SplitName } from './splits.js';

/** One of the splits of a k-fold cross-validation. */
export interface Fold {
  /** From 0 to `of` - 1: the part of the images that validates. */
  readonly index: number;
  readonly of: number;
}

/**
 * The splits of a fold: the training and validation images are dealt into `of` parts, of which one validates and the others train; the
 * test images stay as they are. Parts are stratified, and depend on the images only. Images of a group stay in one part, and so do
 * images with the same pixels.
 * @param table its labels are strata
 * @param strata names of the labels, for messages: `class cat`
 * @param splits of the data set
 * @throws NasError `invalid-input` when there are too few images, or a fold would train without images of a stratum
 */
export function foldSplits(
  table: ImageTable,
  strata: readonly string[],
  splits: Readonly<Record<SplitName, Uint32Array>>,
  { index, of }: Fold,
): Record<SplitName, Uint32Array> {
  const rows = [...splits.train, ...splits.validation];
  const parts = dealt(table, unitsOf(table, rows), of);
  const validation = parts[index];
  const isValidating = new Set(validation);
  const train = rows.filter((row) => !isValidating.has(row));
  if (validation.length === 0)
    throw invalidInput(`${counted(rows.length, 'image')} cannot be split into ${of} folds`, {
      hint: 'Set a smaller final.folds.',
    });
  const trained = new Set(train.map((row) => table.labels[row]));
  const missing = rows.find((row) => !trained.has(table.labels[row]));
  if (missing !== undefined)
    throw invalidInput(
      `${strata[table.labels[missing]]} has training and validation images in one of ${of} folds only: it would validate there and train nowhere`,
      { hint: 'Give the class more images or groups, or leave final.folds out.' },
    );
  return { train: Uint32Array.from(train).sort(), validation: Uint32Array.from(validation).sort(), test: splits.test };
}

/** The part of each image in a cross-validation: stratified, and the same for images of a group. */
export function partsOf(table: ImageTable, rows: readonly number[], count: number): Uint8Array {
  const of = new Map(dealt(table, unitsOf(table, rows), count).flatMap((part, i) => part.map((row) => [row, i])));
  return Uint8Array.from(rows, (row) => of.get(row) ?? 0);
}

/** The images that stay together. */
function unitsOf({ keys, groups }: ImageTable, rows: readonly number[]): number[][] {
  const units = groupBy(rows, (row) => {
    const group = groups?.[row] ?? noGroup;
    return group === noGroup ? `image ${keys[row]}` : `group ${group}`;
  });
  const lowest = (unit: readonly number[]): number => unit.reduce((least, row) => Math.min(least, keys[row]), Infinity);
  return [...units.values()].sort((a, b) => b.length - a.length || lowest(a) - lowest(b));
}

/** Deals units, the largest first, each to the part with the fewest images of its strata, and of these to the smallest part. */
function dealt(table: ImageTable, units: readonly (readonly number[])[], count: number): number[][] {
  const parts = Array.from({ length: count }, () => ({ rows: [] as number[], ofStratum: new Map<number, number>() }));
  for (const unit of units) {
    const own = classCounts(table, unit);
    const load = ({ ofStratum }: (typeof parts)[number]): number =>
      [...own].reduce((sum, [label, images]) => sum + images * (ofStratum.get(label) ?? 0), 0);
    const chosen = parts.reduce((best, part) => {
      const difference = load(part) - load(best);
      return difference < 0 || (difference === 0 && part.rows.length < best.rows.length) ? part : best;
    });
    chosen.rows.push(...unit);
    for (const [label, images] of own) chosen.ofStratum.set(label, (chosen.ofStratum.get(label) ?? 0) + images);
  }
  return parts.map(({ rows }) => rows);
}
