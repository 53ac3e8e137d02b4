import { concatenated } from '../../base/linear-algebra.js';
import type { LabelledImages } from '../../deploy/index.js';
import { openOnnx, type SessionOptions } from '../../compiler/index.js';

/** The class with the largest logit for each image. */
export function predictionsOf(logits: Float32Array, classes: number): number[] {
  return Array.from({ length: logits.length / classes }, (_, i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    return row.indexOf(Math.max(...row));
  });
}

/** Share of positions with equal values. */
export const agreement = (a: readonly number[], b: readonly number[]): number =>
  a.filter((value, i) => value === b[i]).length / a.length;

/** True classes of the images. */
export const labelsOf = (batches: readonly LabelledImages[], classes: number): number[] =>
  batches.flatMap(({ labels }) => predictionsOf(labels, classes));

/** Logits of a model on batches of images of shape `image`. */
export async function logitsOf(
  model: Uint8Array,
  batches: readonly LabelledImages[],
  image: readonly number[],
  options: SessionOptions,
): Promise<Float32Array> {
  const { run, close } = await openOnnx(model, 'the model', options);
  try {
    const parts: Float32Array[] = [];
    for (const { images, size } of batches) parts.push(await run(images, [size, ...image]));
    return concatenated(parts);
  } finally {
    await close();
  }
}
