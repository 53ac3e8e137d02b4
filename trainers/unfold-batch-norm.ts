import * as tf from '@tensorflow/tfjs-core';
import { exportFunction, openOnnx } from '../compiler/index.js';
import { layersOf, type Network } from '../spaces/index.js';
import { apply, batchNorm, weightsFrom, type Model, type WeightValue } from '../spaces/models/index.js';
import { createLoader, type Dataset } from './data/index.js';

export interface UnfoldOptions {
  /** Training images that the statistics are of, rounded up to whole batches; default 2,048, or all when there are fewer. */
  readonly images?: number;
  /** Images at once; default 128, or all when there are fewer. */
  readonly batch?: number;
  /** Told how many images are done, and of how many. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A batch norm and the layer whose outputs it normalises. */
interface Normalized {
  readonly norm: string;
  readonly input: string;
  readonly channels: number;
}

const normalizedIn = (network: Network): Normalized[] =>
  layersOf(network).flatMap(({ kind, name, inputs, output }, _, layers) =>
    kind === 'batch_norm' ? [{ norm: name, input: layers[inputs[0]].name, channels: output[2] }] : [],
  );

/** Mean and variance of channels. */
interface Moments {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

const defaultBatch = 128;
const defaultImages = 2048;

/**
 * Batch norm that in training, where it goes by the batch, computes nearly what it computes in inference: its moving
 * statistics become those of its inputs over a fixed set of training images, and gamma and beta undo the normalisation
 * by them. In inference the network computes what it did before. For networks whose batch norm was folded into kernels.
 *
 * @throws NasError `invalid-input` when the network does not take the data's images
 */
export async function unfoldBatchNorm(model: Model, dataset: Dataset, options: UnfoldOptions = {}): Promise<Model> {
  const normalized = normalizedIn(model.network);
  if (normalized.length === 0) return model;
  const moments = await momentsOf(model, normalized, dataset, options);
  const { epsilon } = batchNorm;
  const weights = new Map(model.weights);
  for (const [i, { norm }] of normalized.entries()) {
    const [gamma, beta, mean, variance] = ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((role) =>
      valuesOf(model, `${norm}/${role}`),
    );
    const found = moments[i];
    const scale = gamma.map((value, c) => value / Math.sqrt(variance[c] + epsilon));
    const set = (role: string, value: (c: number) => number): void => {
      const data = Float32Array.from(gamma, (_, c) => value(c));
      weights.set(`${norm}/${role}`, { shape: [data.length], data });
    };
    set('gamma', (c) => scale[c] * Math.sqrt(found.variance[c] + epsilon));
    set('beta', (c) => beta[c] + scale[c] * (found.mean[c] - mean[c]));
    set('moving_mean', (c) => found.mean[c]);
    set('moving_variance', (c) => found.variance[c]);
  }
  return { network: model.network, weights };
}

/** A weight in float64. */
function valuesOf({ weights }: Model, name: string): Float64Array {
  const value: WeightValue | undefined = weights.get(name);
  if (value === undefined) throw new Error(`there is no value for ${name}`);
  return Float64Array.from(value.data);
}

/** The moments of each batch norm's inputs, in inference. */
async function momentsOf(
  { network, weights }: Model,
  normalized: readonly Normalized[],
  dataset: Dataset,
  { images = defaultImages, batch: wanted = defaultBatch, onProgress }: UnfoldOptions,
): Promise<Moments[]> {
  const [height, width] = network.input;
  const batch = Math.min(wanted, dataset.info.counts.train);
  const features = normalized.map(({ input }) => input);
  const infer = (batchOfImages: tf.Tensor): tf.Tensor => {
    const maps = apply(network, weightsFrom(weights), batchOfImages, { training: false, features }).features;
    return tf.concat(
      maps.flatMap((map) => {
        const { mean, variance } = tf.moments(map, [0, 1, 2]);
        return [mean, variance];
      }),
    );
  };
  // One thread, so that the result does not depend on how many there are.
  const program = await openOnnx(exportFunction(infer, network.input, { batch, outputName: 'moments' }), 'the network');
  const loader = createLoader({
    dataset,
    split: 'train',
    batch,
    seed: 0,
    viewSeed: 0,
    augment: null,
    shuffle: true,
    dropLast: true,
    size: [height, width],
  });
  const steps = Math.min(loader.stepsPerEpoch, Math.ceil(images / batch));
  const sums = normalized.map(({ channels }) => ({
    mean: new Float64Array(channels),
    squares: new Float64Array(channels),
  }));
  try {
    let done = 0;
    for await (const { images: pixels } of loader.epoch(0)) {
      if (done === steps) break;
      const values = await program.run(pixels, [batch, ...network.input]);
      let at = 0;
      for (const { mean, squares } of sums) {
        const channels = mean.length;
        for (let c = 0; c < channels; c++) {
          const m = values[at + c];
          mean[c] += m / steps;
          squares[c] += (values[at + channels + c] + m * m) / steps;
        }
        at += 2 * channels;
      }
      onProgress?.(++done * batch, steps * batch);
    }
  } finally {
    await loader.close();
    await program.close();
  }
  return sums.map(({ mean, squares }) => ({
    mean,
    variance: squares.map((square, c) => Math.max(0, square - mean[c] * mean[c])),
  }));
}
