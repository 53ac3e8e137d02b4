import { BoundedCache } from '../../base/bounded-cache.js';
import { contentHash } from '../../base/hash.js';
import { dot, symmetricEigen } from '../../base/linear-algebra.js';
import { Random } from '../../base/random.js';
import type { WeightSpec, WeightValue } from '../../spaces/models/index.js';
import { type Dataset, openBatches, type ImageSize } from '../data/index.js';
import { stemKernel } from '../weights.js';

/** Shape of a convolution's filters. */
export type FilterShape = readonly [height: number, width: number, channels: number, filters: number];

/** Added to variances: directions that hardly vary, which are noise, are not amplified without bound (Page 2019). */
const smallestVariance = 1e-2;

/** Bounds of what is read and computed: some tenths of a second for images of any size. */
const bounds = { images: 2000, pixels: 8e6, patches: 100_000, products: 1e8 };

/** Images rendered at once. */
const atOnce = 32;

/**
 * Filters whose outputs have equal variances and no correlations (Page 2019, "How to train your ResNet"; the airbench
 * speed runs: Jordan 2024). They are v_k / sqrt(l_k + 0.01) for the eigenpairs of the covariance of image patches, largest
 * variance first, each followed by its negative, because a ReLU keeps one side only. Further filters are random unit
 * combinations of these. A number of filters is always the start of a larger number, so a slice of a wider stem equals
 * the stem of a narrower network.
 *
 * @param covariance of flat patches [height, width, channels], about the mean of the images (0); row-major
 */
export function whitenedFilters(covariance: Float64Array, shape: FilterShape): WeightValue {
  const [height, width, channels, filters] = shape;
  const size = height * width * channels;
  const { values, vectors } = symmetricEigen(covariance, size);
  const white = vectors.map((vector, k) =>
    vector.map((entry) => entry / Math.sqrt(Math.max(0, values[k]) + smallestVariance)),
  );
  const data = new Float32Array(size * filters);
  for (let filter = 0; filter < filters; filter++) {
    const direction = filter >> 1;
    const row = direction < size ? white[direction] : combination(white, direction);
    for (let i = 0; i < size; i++) data[i * filters + filter] = filter % 2 === 0 ? row[i] : -row[i];
  }
  return { shape, data };
}

/** A random combination of directions with coefficients on the unit sphere. */
function combination(directions: readonly Float64Array[], index: number): Float64Array {
  const random = new Random(0, 'whitened stem', index);
  const coefficients = directions.map(() => random.normal());
  const length = Math.sqrt(dot(coefficients, coefficients));
  return directions[0].map((_, i) =>
    directions.reduce((sum, direction, k) => sum + (coefficients[k] / length) * direction[i], 0),
  );
}

/** Reads the pixel at a distance from each corner. */
function readPlace(into: Float64Array, pixels: Float32Array, corners: Int32Array, offset: number): void {
  for (let i = 0; i < into.length; i++) into[i] = pixels[corners[i] + offset];
}

/** Adds products with four places to their sums, each in the order of the patches: one sum alone waits for each addition. */
function addProducts(sums: Float64Array, from: number, place: Float64Array, others: readonly Float64Array[]): void {
  let [a, b, c, d] = sums.subarray(from, from + 4);
  const [pa, pb, pc, pd] = [0, 1, 2, 3].map((k) => others[Math.min(from + k, sums.length - 1)]);
  for (let i = 0; i < place.length; i++) {
    const pixel = place[i];
    a += pixel * pa[i];
    b += pixel * pb[i];
    c += pixel * pc[i];
    d += pixel * pd[i];
  }
  // Beyond the row's end nothing is written.
  for (const [k, sum] of [a, b, c, d].entries()) if (from + k < sums.length) sums[from + k] = sum;
}

/**
 * The covariance of patches of a data set's training images: unaugmented, normalised, in the size that the network takes.
 * Images and patches are the same in each process. Pixels outside an image smaller than a patch count as 0, its mean.
 */
export function patchCovariance(
  dataset: Dataset,
  [height, width, channels]: ImageSize,
  [rows, columns]: FilterShape,
): Float64Array {
  const size = rows * columns * channels;
  const { info } = dataset;
  const images = Math.min(info.counts.train, bounds.images, Math.ceil(bounds.pixels / (height * width)));
  const batch = Math.min(images, atOnce);
  const batches = Math.floor(images / batch);
  const each = Math.ceil(Math.min(bounds.patches, bounds.products / size ** 2) / (batches * batch));
  const order = { split: 'train', shuffle: true, dropLast: true } as const;
  const source = openBatches({ ...order, dataset, batch, size: [height, width] });
  const random = new Random(0, 'patches');
  const sums = new Float64Array(size * size);
  const count = batch * each;
  const corners = new Int32Array(count);
  /** The pixels at one place of all patches of a batch. */
  const places = Array.from({ length: size }, () => new Float64Array(count));
  try {
    for (let step = 0; step < batches; step++) {
      const rendered = source.batch(0, step).images;
      for (let i = 0; i < count; i++) {
        const top = random.int(Math.max(1, height - rows + 1));
        const left = random.int(Math.max(1, width - columns + 1));
        corners[i] = ((Math.floor(i / each) * height + top) * width + left) * channels;
      }
      for (const [at, place] of places.entries()) {
        const [y, x] = [Math.floor(at / channels / columns), Math.floor(at / channels) % columns];
        if (y < height && x < width) readPlace(place, rendered, corners, (y * width + x) * channels + (at % channels));
      }
      for (let a = 0; a < size; a++)
        for (let b = 0; b <= a; b += 4) addProducts(sums.subarray(a * size, a * size + a + 1), b, places[a], places);
    }
  } finally {
    source.close();
  }
  return sums.map((_, i) => {
    const [a, b] = [Math.floor(i / size), i % size];
    return sums[a >= b ? i : b * size + a] / (batches * count);
  });
}

/** The networks of a search have the same images, and mostly kernels of one size. */
const covariances = new BoundedCache<Float64Array>(8);

/**
 * The whitened stem of a network, or of a supernet's shared weights, for a data set. Slices with fewer filters have the same
 * bits and keep them; a slice with a smaller kernel or smaller images has other bits, and its own training trains its stem.
 * @param size of the network's images
 * @param specs of its weights
 */
export function whitenedStem(dataset: Dataset, size: ImageSize, specs: readonly WeightSpec[]): WeightValue {
  const shape = specs.find(({ name }) => name === stemKernel)?.shape;
  if (shape?.length !== 4) throw new Error(`there is no convolution ${stemKernel}`);
  const [height, width, channels, filters] = shape;
  const all = [height, width, channels, filters] as const;
  const key = contentHash(dataset.hashAt([[size[0], size[1]]]), size, height, width);
  return whitenedFilters(
    covariances.of(key, () => patchCovariance(dataset, size, all)),
    all,
  );
}
