import { openBatches, type DatasetRef } from '../data/index.js';
import { describeDataset } from '../evaluate.js';
import type { ImageSize } from '../resize.js';

/** Images that proxies look at. */
export interface ProxyBatch {
  /** Height, width, channels of one image; proxies resize them where a network takes another size. */
  readonly image: ImageSize;
  /** [size, height, width, channels], normalised. */
  readonly images: Float32Array;
  /** One-hot [size, classes]. */
  readonly labels: Float32Array;
  readonly size: number;
}

/** As many images as proxies are computed from by default. */
export const proxyImages = 32;

/**
 * The first training images of an order drawn from the seed, as they are; fewer than `size` when there are no more.
 * @throws NasError `invalid-input` when the data set is missing or damaged
 */
export function proxyBatch(dataset: DatasetRef, seed: number, size = proxyImages): ProxyBatch {
  const { counts, height, width, channels } = describeDataset(dataset);
  const batch = Math.min(size, counts.train);
  const source = openBatches({
    dataset,
    split: 'train',
    batch,
    seed,
    viewSeed: seed,
    augment: null,
    shuffle: true,
    dropLast: true,
  });
  try {
    const { images, labels } = source.batch(0, 0);
    return { image: [height, width, channels], images, labels, size: batch };
  } finally {
    source.close();
  }
}
