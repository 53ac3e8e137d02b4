import { invalidInput } from '../../base/errors.js';
import type { Frontier, ImageSize, Model } from '../models/model.js';
import { sameSize, showSize, valueCount } from './image-size.js';
import type { Input } from './types.js';

/** How many values an input of a kind has, or why there can be none of it. */
type Expected = { readonly count: number; readonly shape: string } | { readonly why: string };

/** What whoever answers accepts: one model, or all of the choice. */
export type Accepted = { readonly [K in Input['kind']]: Expected };

/** @param size of images as pixels; null: no model takes any */
export const acceptedBy = (model: Model, size: ImageSize | null): Accepted => ({
  pixels: pixelsOf([model], size),
  values: { count: valueCount(model.size), shape: `${showSize(model.size)} (${model.layout})` },
});

/** What the scheduler can choose among: pixels where all say how they are normalised, values where all take the same. */
export function acceptedByChoice({ choice }: Frontier, size: ImageSize | null): Accepted {
  if (choice.length === 0) {
    const why = 'the accuracy of no model is known, so that none can be chosen: ask for one by its name';
    return { pixels: { why }, values: { why } };
  }
  const [first] = choice;
  const other = choice.find((model) => !takeTheSame(first, model));
  return {
    pixels: pixelsOf(choice, size),
    values:
      other === undefined
        ? acceptedBy(first, size).values
        : {
            why: `'${first.name}' and '${other.name}' take other sizes, layouts or normalisations: send pixels, or ask for one model by its name`,
          },
  };
}

/** @throws NasError `invalid-input` when an input is none that is accepted */
export function checkInputs(inputs: readonly Input[], accepted: Accepted): void {
  for (const { kind, data } of inputs) {
    const expected = accepted[kind];
    if ('why' in expected) throw invalidInput(`no ${kind} are taken here: ${expected.why}`);
    if (data.length !== expected.count)
      throw invalidInput(`an image has ${data.length} ${kind}, expected are ${expected.count} of ${expected.shape}`);
  }
}

function pixelsOf(models: readonly Model[], size: ImageSize | null): Expected {
  const silent = models.find(({ normalisation }) => normalisation === null);
  if (silent !== undefined || size === null)
    return { why: `the file of '${(silent ?? models[0]).name}' does not say how pixels are normalised: send values` };
  return { count: valueCount(size), shape: showSize(size) };
}

const takeTheSame = (a: Model, b: Model): boolean =>
  sameSize(a.size, b.size) &&
  a.layout === b.layout &&
  JSON.stringify(a.normalisation) === JSON.stringify(b.normalisation);
