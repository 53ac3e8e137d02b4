import * as tf from '@tensorflow/tfjs-core';
import { exportFunction, openOnnx } from '../../compiler/index.js';
import { apply, weightsFrom, type Model } from '../../spaces/models/index.js';
import { createLoader, type Dataset } from '../data/index.js';
import { type Point, pointsOf, type Ranges } from './rounding.js';

/** How a range follows from the values that are seen: their extremes, or what is left without the outermost. */
export type RangeMethod = 'minmax' | 'percentile';

export interface RangeOptions {
  readonly method: RangeMethod;
  /** Per cent of the values that are within the range that `percentile` gives, as many left out at either end. */
  readonly percentile: number;
  /** Training images that are looked at, in whole batches: at least one, at most all. */
  readonly images: number;
  /** Decides which. */
  readonly seed: number;
}

/** Images at once. */
const largestBatch = 64;

/**
 * How many of the outermost values at either end are looked at: the last of them is the end of the range. Nothing of the
 * images themselves is left out.
 */
const outermost = ({ method, percentile }: RangeOptions, { layer, size }: Point, images: number): number =>
  method === 'minmax' || layer === 'input' ? 1 : 1 + Math.floor((images * size * (100 - percentile)) / 200);

/** The largest values of a vector, falling. */
const largest = (values: tf.Tensor, count: number): tf.Tensor =>
  count === 1 ? tf.reshape(tf.max(values), [1]) : tf.topk(values, count).values;

/**
 * The ranges of a float network's values, over a fixed set of training images as they are: what an int8 model's bytes
 * have to hold. Exact, and the same whatever the engine and its threads: computed by a compiled program on one thread.
 *
 * @throws NasError `invalid-input` when the network does not take the data's images
 */
export async function activationRanges(
  { network, weights }: Model,
  dataset: Dataset,
  options: RangeOptions,
): Promise<Ranges> {
  const { points } = pointsOf(network);
  const batch = Math.min(largestBatch, options.images, dataset.info.counts.train);
  const [height, width] = network.input;
  const loader = createLoader({
    dataset,
    split: 'train',
    batch,
    seed: options.seed,
    viewSeed: options.seed,
    augment: null,
    shuffle: true,
    dropLast: true,
    size: [height, width],
  });
  const steps = Math.min(loader.stepsPerEpoch, Math.max(1, Math.round(options.images / batch)));
  const features = points.map(({ layer }) => layer);
  const wanted = points.map((point) => outermost(options, point, steps * batch));
  const counts = points.map(({ size }, i) => Math.min(wanted[i], size * batch));
  const infer = (images: tf.Tensor): tf.Tensor => {
    const maps = apply(network, weightsFrom(weights), images, { training: false, features }).features;
    return tf.concat(
      maps.flatMap((map, i) => {
        const values = tf.reshape(map, [-1]);
        return [largest(values, counts[i]), largest(tf.neg(values), counts[i])];
      }),
    );
  };
  const bytes = exportFunction(infer, network.input, { batch, outputName: 'ends' });
  try {
    const program = await openOnnx(bytes, 'the network');
    try {
      const tops = points.map((_, i) => [new Top(wanted[i]), new Top(wanted[i])] as const);
      let done = 0;
      for await (const { images } of loader.epoch(0)) {
        const ends = await program.run(images, [batch, ...network.input]);
        let at = 0;
        for (const [i, both] of tops.entries()) for (const top of both) top.add(ends.subarray(at, (at += counts[i])));
        if (++done === steps) break;
      }
      return new Map(
        points.map(({ layer, floor }, i) => {
          const [high, low] = tops[i];
          return [layer, [Math.max(-low.last, floor), high.last]] as const;
        }),
      );
    } finally {
      await program.close();
    }
  } finally {
    await loader.close();
  }
}

/** The largest of the values that it is given, so many at most. */
class Top {
  private values = new Float32Array(0);

  constructor(private readonly count: number) {}

  add(more: Float32Array): void {
    const all = new Float32Array(this.values.length + more.length);
    all.set(this.values);
    all.set(more, this.values.length);
    this.values = all.sort().slice(-this.count);
  }

  /** The least of them. */
  get last(): number {
    return this.values[0];
  }
}
