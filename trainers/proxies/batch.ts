import { openBatches, openDataset, type DatasetRef, type ImageSize } from '../data/index.js';

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
export function proxyBatch(ref: DatasetRef, seed: number, size = proxyImages): ProxyBatch {
  const dataset = openDataset(ref);
  try {
    const { counts, height, width, channels } = dataset.info;
    const batch = Math.min(size, counts.train);
    const options = { batch, seed, viewSeed: seed, augment: null, shuffle: true, dropLast: true } as const;
    const { images, labels } = openBatches({ dataset, split: 'train', ...options }).batch(0, 0);
    return { image: [height, width, channels], images, labels, size: batch };
  } finally {
    dataset.close();
  }
}
