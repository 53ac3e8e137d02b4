import { invalidInput } from '../../base/errors.js';
import { imageShape, inputTransform, type Classifier, type ImageData } from '../../compiler/index.js';
import type { LabelledImages } from '../evaluate.js';

/** Images as a model takes them: its layout, its normalisation, its batch. */
export interface ModelImages {
  readonly images: Float32Array;
  readonly shape: readonly number[];
}

/** Images in batches of exactly `size`; the last one is filled up with the last image, which changes no range. */
function* inBatches(images: Float32Array, count: number, size: number): Generator<Float32Array> {
  const values = images.length / count;
  for (let start = 0; start < count; start += size) {
    const part = images.subarray(start * values, Math.min(start + size, count) * values);
    if (part.length === size * values) {
      yield part;
      continue;
    }
    const filled = new Float32Array(size * values);
    filled.set(part);
    for (let at = part.length; at < filled.length; at += values) filled.set(part.subarray(part.length - values), at);
    yield filled;
  }
}

/**
 * Images of a data set as the given classifier takes them: ranges found on images of another normalisation or layout
 * would be those of other values.
 * @param onImages told after each batch how many images were given so far
 * @throws NasError `invalid-input`, when it has ended, if there were no images
 */
export async function* asTaken(
  batches: AsyncIterable<LabelledImages>,
  { layout, normalisation, batch }: Classifier,
  data: ImageData,
  onImages: (given: number) => void,
): AsyncGenerator<ModelImages> {
  const shape = imageShape[layout](data);
  const transform = inputTransform(layout, normalisation, data);
  let given = 0;
  for await (const { images, size } of batches) {
    const taken = transform(images);
    if (batch === null) yield { images: taken, shape: [size, ...shape] };
    else for (const part of inBatches(taken, size, batch)) yield { images: part, shape: [batch, ...shape] };
    given += size;
    onImages(given);
  }
  if (given === 0)
    throw invalidInput('there are no calibration images: the ranges of the activations are found on some', {
      hint: 'Some hundred training images will do.',
    });
}
