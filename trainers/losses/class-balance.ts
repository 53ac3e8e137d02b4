import { invalidInput } from '../../base/errors.js';
import { sum } from '../../base/statistics.js';
import { nearest } from '../../base/text.js';

/** `train.class_weight`: from the numbers of images, or by class name; classes without a name weigh 1. */
export type ClassWeight = 'auto' | Readonly<Record<string, number>>;

/**
 * Share of a class's images that a further image repeats, for the effective number of samples. With classes from 100 : 1 to 1 : 1,
 * 0.99 gains balanced accuracy at hardly any cost of accuracy; 0.999 costs several points (`bench:recipe -- --only imbalance`).
 */
const beta = 0.99;

/** Classes are unequal when the largest has so many times the images of the smallest. */
export const unequal = 3;
/** @param perClass training images of each class */
export const areUnequal = (perClass: readonly number[]): boolean =>
  Math.max(...perClass) >= unequal * Math.min(...perClass);

/** The weight of a class. @param count of its images or pixels @param all of all classes */
type AutoWeight = (count: number, all: number) => number;

const byImages: AutoWeight = (count) => (1 - beta) / (1 - beta ** Math.max(1, count));

/** Of pixels, which are many: by the share of the class (ENet, Paszke et al. 2016), at most 50 times as much for rare classes. */
export const byPixels: AutoWeight = (count, all) => 1 / Math.log(1.02 + count / Math.max(1, all));

/** Number of training images of each class, in label order. */
export function imagesPerClass(labels: ArrayLike<number>, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  return counts;
}

/**
 * The weight of an image of each class, with mean 1 over the training images: the learning rate keeps its meaning.
 *
 * `auto` is the inverse of the effective number of samples, (1 - β^n) / (1 - β) with β = 0.99 (Cui et al. 2019, "Class-Balanced Loss
 * Based on Effective Number of Samples"): nearly 1 / n for rare classes, nearly equal above some hundred images.
 *
 * @param classes names in label order
 * @param counts training images of each class
 * @param auto the weights of `auto`, where they are others
 * @throws NasError `invalid-input` for a name that is no class of the data
 */
export function classWeights(
  config: ClassWeight,
  classes: readonly string[],
  counts: readonly number[],
  auto: AutoWeight = byImages,
): readonly number[] {
  checkClassWeight(config, classes);
  const images = sum(counts);
  const weights = classes.map((name, c) =>
    config === 'auto' ? auto(counts[c], images) : Object.hasOwn(config, name) ? config[name] : 1,
  );
  const mean = weights.reduce((total, weight, c) => total + weight * counts[c], 0) / images;
  return weights.map((weight) => weight / mean);
}

/**
 * How much an image of each class counts in a loss over all images once, as `train.class_weight` and `train.class_sampling` say.
 * @param counts training images of each class
 */
export function classInfluence(
  {
    class_weight,
    class_sampling,
  }: { readonly class_weight?: ClassWeight | undefined; readonly class_sampling?: string | undefined },
  classes: readonly string[],
  counts: readonly number[],
): readonly number[] {
  const weights = classWeights(class_weight ?? {}, classes, counts);
  return class_sampling === 'balanced' ? weights.map((weight, c) => weight / Math.max(1, counts[c])) : weights;
}

/** @throws NasError `invalid-input` for a name that is no class of the data */
export function checkClassWeight(config: ClassWeight, classes: readonly string[]): void {
  const unknown = config === 'auto' ? undefined : Object.keys(config).find((name) => !classes.includes(name));
  if (unknown === undefined) return;
  const meant = nearest(unknown, classes);
  const shown = classes.slice(0, 20).join(', ');
  throw invalidInput(`class_weight names ${JSON.stringify(unknown)}, which is no class of the data`, {
    hint: `${meant === undefined ? '' : `Did you mean ${meant}? `}The classes are ${shown}${classes.length > 20 ? ', ...' : ''}.`,
  });
}
