import * as tf from '@tensorflow/tfjs-core';
import { exportFunction, openOnnx } from '../../compiler/index.js';
import { apply, weightsFrom, type Model } from '../../spaces/models/index.js';
import { trainingLoader, type Dataset } from '../data/index.js';
import { type Point, pointsOf, type Ranges } from './rounding.js';

/** The range of a tensor: its extremes, or without the outermost values. */
export type RangeMethod = 'minmax' | 'percentile';

export interface RangeOptions {
  readonly method: RangeMethod;
  /** For `percentile`: the percentage of values within the range; the rest is cut equally at both ends. */
  readonly percentile: number;
  /** Number of training images, in whole batches: at least one batch, at most all images. */
  readonly images: number;
  /** Selects the images. */
  readonly seed: number;
}

/** Images in a batch. */
const largestBatch = 64;

/** How many of the outermost values at each end to collect; the last of them ends the range. The input keeps its extremes. */
const outermost = ({ method, percentile }: RangeOptions, { layer, size }: Point, images: number): number =>
  method === 'minmax' || layer === 'input' ? 1 : 1 + Math.floor((images * size * (100 - percentile)) / 200);

/** The largest values of a vector in falling order. */
const largest = (values: tf.Tensor, count: number): tf.Tensor =>
  count === 1 ? tf.reshape(tf.max(values), [1]) : tf.topk(values, count).values;

/**
 * The ranges of a float network's tensors over a fixed set of unaugmented training images. Exact and independent of the
 * engine: a compiled program computes them on one thread.
 * @throws NasError `invalid-input` when the network does not accept the data's images
 */
export async function activationRanges(
  { network, weights }: Model,
  dataset: Dataset,
  options: RangeOptions,
): Promise<Ranges> {
  const { points } = pointsOf(network);
  const batch = Math.min(largestBatch, options.images, dataset.info.counts.train);
  const [height, width] = network.input;
  const loader = trainingLoader(dataset, { batch, seed: options.seed, size: [height, width] });
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

/** Collects the largest `count` values. */
class Top {
  private values = new Float32Array(0);

  constructor(private readonly count: number) {}

  add(more: Float32Array): void {
    const all = new Float32Array(this.values.length + more.length);
    all.set(this.values);
    all.set(more, this.values.length);
    this.values = all.sort().slice(-this.count);
  }

  /** The smallest of them. */
  get last(): number {
    return this.values[0];
  }
}
