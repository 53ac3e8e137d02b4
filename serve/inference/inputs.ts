import { invalidInput } from '../../base/errors.js';
import type { Frontier, ImageSize, Model } from '../models/model.js';
import type { Input } from './pool.js';

export const valueCount = ([height, width, channels]: ImageSize): number => height * width * channels;

export const sameSize = (a: ImageSize, b: ImageSize): boolean => a.every((extent, i) => extent === b[i]);

/** `224 x 224 x 3`. */
export const showSize = (size: ImageSize): string => size.join(' x ');

/**
 * The size of images passed as pixels: the largest input among the models with a normalisation; the other models resize.
 * Null: no model has a normalisation.
 * @throws NasError `invalid-input` when the models take different numbers of channels
 */
export function commonSize(models: readonly Model[]): ImageSize | null {
  const candidates = models.filter(({ normalisation }) => normalisation !== null);
  if (candidates.length === 0) return null;
  const largest = candidates.reduce((a, b) => (valueCount(b.size) > valueCount(a.size) ? b : a));
  const other = candidates.find(({ size }) => size[2] !== largest.size[2]);
  if (other === undefined) return largest.size;
  throw invalidInput(
    `models served together must take the same number of channels: '${largest.name}' takes ${showSize(largest.size)}, '${other.name}' ${showSize(other.size)}`,
    { hint: 'Put them into two folders and start two servers.' },
  );
}

/** The size of an input of one kind, or the reason why that kind is refused. */
type Expected = { readonly count: number; readonly shape: string } | { readonly why: string };

/** The inputs that a model, or every model of the choice, accepts. */
export type Accepted = { readonly [K in Input['kind']]: Expected };

/** @param size size of images passed as pixels; null: no model takes pixels */
export const acceptedBy = (model: Model, size: ImageSize | null): Accepted => ({
  pixels: pixelsOf([model], size),
  values: { count: valueCount(model.size), shape: `${showSize(model.size)} (${model.layout})` },
});

/** Inputs for the scheduler's choice: pixels when all models have a normalisation, values when all take the same values. */
export function acceptedByChoice({ choice }: Frontier, size: ImageSize | null): Accepted {
  if (choice.length === 0) {
    const why = 'the scheduler cannot choose a model, because the accuracy of none is known: request one by its name';
    return { pixels: { why }, values: { why } };
  }
  const [first] = choice;
  const other = choice.find((model) => !takeSameValues(first, model));
  return {
    pixels: pixelsOf(choice, size),
    values:
      other === undefined
        ? acceptedBy(first, size).values
        : {
            why: `'${first.name}' and '${other.name}' differ in size, layout or normalisation: send pixels, or request one model by its name`,
          },
  };
}

/** @throws NasError `invalid-input` when an input is not accepted */
export function checkInputs(inputs: readonly Input[], accepted: Accepted): void {
  for (const { kind, data } of inputs) {
    const expected = accepted[kind];
    if ('why' in expected) throw invalidInput(`${kind} are not accepted: ${expected.why}`);
    if (data.length !== expected.count)
      throw invalidInput(`an image has ${data.length} ${kind}, expected ${expected.count} (${expected.shape})`);
  }
}

function pixelsOf(models: readonly Model[], size: ImageSize | null): Expected {
  const silent = models.find(({ normalisation }) => normalisation === null);
  if (silent !== undefined || size === null)
    return { why: `the metadata of '${(silent ?? models[0]).name}' has no mean and std: send values` };
  return { count: valueCount(size), shape: showSize(size) };
}

/** Whether two models take the same values for an image. */
export const takeSameValues = (a: Model, b: Model): boolean =>
  sameSize(a.size, b.size) &&
  a.layout === b.layout &&
  JSON.stringify(a.normalisation) === JSON.stringify(b.normalisation);
