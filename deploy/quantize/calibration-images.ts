import { imageShape, inputTransform, type Classifier, type ImageData } from '../../compiler/index.js';
import type { LabelledImages } from '../evaluate.js';
import type { CalibrationBatch } from './calibrate.js';

/** Images in batches of exactly `size`; the last one is filled up with copies of the last image, which do not count. */
function* inBatches(
  images: Float32Array,
  all: number,
  size: number,
): Generator<{ readonly images: Float32Array; readonly count: number }> {
  const values = images.length / all;
  for (let start = 0; start < all; start += size) {
    const count = Math.min(size, all - start);
    const part = images.subarray(start * values, (start + count) * values);
    const filled = new Float32Array(size * values);
    filled.set(part);
    for (let at = part.length; at < filled.length; at += values) filled.set(part.subarray(part.length - values), at);
    yield { images: filled, count };
  }
}

/**
 * Images of a data set as the given classifier takes them (its layout, its normalisation, its batch): ranges found on images
 * of another normalisation or layout would be those of other values.
 */
export async function* asTaken(
  batches: AsyncIterable<LabelledImages>,
  { layout, normalisation, batch }: Classifier,
  data: ImageData,
): AsyncGenerator<CalibrationBatch> {
  const shape = imageShape[layout](data);
  const transform = inputTransform(layout, normalisation, data);
  for await (const { images, size } of batches) {
    const taken = transform(images);
    if (batch === null) yield { images: taken, shape: [size, ...shape] };
    else for (const part of inBatches(taken, size, batch)) yield { ...part, shape: [batch, ...shape] };
  }
}
