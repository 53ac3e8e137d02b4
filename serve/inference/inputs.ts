import { invalidInput } from '../../base/errors.js';
import type { Frontier, ImageSize, Model } from '../models/model.js';
import type { PixelLayout } from './pixel-layout.js';
import type { Input } from './pool.js';

export const valueCount = ([height, width, channels]: ImageSize): number => height * width * channels;

const sameSize = (a: ImageSize, b: ImageSize): boolean => a.every((extent, i) => extent === b[i]);

/** `224 x 224 x 3`. */
const showSize = (size: ImageSize): string => size.join(' x ');

/** The size of an input of one kind, or the reason why that kind is refused. */
type Expected = { readonly count: number; readonly shape: string } | { readonly why: string };

/** The inputs that a model, or every model of the choice, accepts. */
export type Accepted = { readonly [K in Input['kind']]: Expected };

export const acceptedBy = (model: Model, layout: PixelLayout): Accepted => ({
  pixels: pixelsOf([model], layout),
  values: { count: valueCount(model.size), shape: `${showSize(model.size)} (${model.layout})` },
});

/** Inputs for the scheduler's choice: pixels when all models have a normalisation, values when all take the same values. */
export function acceptedByChoice({ choice }: Frontier, layout: PixelLayout): Accepted {
  if (choice.length === 0) {
    const why = 'the scheduler cannot choose a model, because the accuracy of none is known: request one by its name';
    return { pixels: { why }, values: { why } };
  }
  const [first] = choice;
  const other = choice.find((model) => !takeSameValues(first, model));
  return {
    pixels: pixelsOf(choice, layout),
    values:
      other === undefined
        ? acceptedBy(first, layout).values
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

function pixelsOf(models: readonly Model[], { parts, bytes }: PixelLayout): Expected {
  const silent = models.find(({ normalisation }) => normalisation === null);
  if (silent !== undefined) return { why: `the metadata of '${silent.name}' has no mean and std: send values` };
  return {
    count: bytes,
    shape: parts.map(({ rendering: { size, channels } }) => showSize([...size, channels])).join(', '),
  };
}

/** Whether two models take the same values for an image. */
export const takeSameValues = (a: Model, b: Model): boolean =>
  sameSize(a.size, b.size) &&
  a.layout === b.layout &&
  JSON.stringify(a.normalisation) === JSON.stringify(b.normalisation);
