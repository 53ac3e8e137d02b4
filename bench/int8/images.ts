import { concatenated } from '../../base/linear-algebra.js';
import { product } from '../../base/statistics.js';
import type { LabelledImages } from '../../deploy/index.js';
import { createLoader, withDataset, type DatasetRef, type SplitName } from '../../trainers/index.js';
import type { Images } from './peer.js';

/** A random draw from a split. */
export interface Draw {
  readonly count: number;
  readonly seed: number;
}

/** The images of a split without augmentation: a draw, or all of them in order. */
export function imagesOf(dataset: DatasetRef, split: SplitName, draw?: Draw): Promise<LabelledImages[]> {
  return withDataset(dataset, async (open) => {
    const seed = draw?.seed ?? 0;
    const loader = createLoader({
      dataset: open,
      split,
      batch: 64,
      seed,
      shuffle: draw !== undefined,
      dropLast: draw !== undefined,
      share: draw === undefined ? 1 : Math.min(1, draw.count / open.info.counts[split]),
    });
    try {
      const batches: LabelledImages[] = [];
      // Copied, because the loader reuses its memory.
      for await (const { images, labels, size: count } of loader.epoch(0))
        batches.push({ images: images.slice(), labels: labels.slice(), size: count });
      return batches;
    } finally {
      await loader.close();
    }
  });
}

/** The batches as an asynchronous stream. */
export async function* stream<T>(batches: readonly T[]): AsyncGenerator<T> {
  for (const batch of batches) yield await Promise.resolve(batch);
}

/** All batches in one array [N, height, width, channels]. */
export function joined(batches: readonly LabelledImages[], image: readonly number[]): Images {
  const values = concatenated(batches.map(({ images }) => images));
  return { values, shape: [values.length / product(image), ...image] };
}
