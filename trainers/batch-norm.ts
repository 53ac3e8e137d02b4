import * as tf from '@tensorflow/tfjs-core';
import { product } from '../base/statistics.js';
import { compile, exportFunction, type OpenModel, openOnnx } from '../compiler/index.js';
import { type Network, layersOf, withoutDropout } from '../spaces/index.js';
import {
  apply,
  type Model,
  type Weights,
  weightsFrom,
  type WeightValue,
  weightVariables,
} from '../spaces/models/index.js';
import { type Dataset, type LoaderOptions, trainingLoader } from './data/index.js';
import type { Augmentation } from './data/augment/schema.js';
import { floats } from './engines/compiled.js';
import { targetBeside, type EngineChoice } from './engines/index.js';
import { nativeStatistics } from './engines/native/statistics.js';

/** The images that the batch norm statistics are computed from. */
export interface CalibrationImages {
  readonly dataset: Dataset;
  /** Must be the training's: statistics of other images do not fit the weights. */
  readonly augment: Augmentation;
  /** As in the training. */
  readonly classSampling?: LoaderOptions['classSampling'];
  /** Images in each batch. */
  readonly batch: number;
  /** Number of images, rounded to whole batches: at least one batch, at most all training images. */
  readonly calibration: number;
  /** Selects the training images and their views. */
  readonly seed: number;
}

export interface CalibrationOptions {
  /** An engine that is active (`activateBackend`). */
  readonly engine: EngineChoice;
  readonly threads: number;
  /** Awaited before every batch; a rejection ends the calibration. */
  readonly between?: (() => Promise<void> | void) | undefined;
}

/**
 * Recomputes batch norm's moving statistics: means, over the batches of a fixed set of training images, of each batch's
 * mean and variance. A member of a supernet needs this before use, because its weights were never trained with its own
 * statistics (Yu & Huang 2019).
 */
export async function calibrateBatchNorm(
  model: Model,
  images: CalibrationImages,
  { engine, threads, between }: CalibrationOptions,
): Promise<Weights> {
  const { dataset, augment, classSampling, calibration, seed } = images;
  const batch = Math.min(images.batch, dataset.info.counts.train);
  const [height, width] = model.network.input;
  const loader = trainingLoader(dataset, { batch, seed, augment, classSampling, size: [height, width] });
  const batches = Math.min(loader.stepsPerEpoch, Math.max(1, Math.round(calibration / batch)));
  try {
    const statistics = await openStatistics(model, batch, engine, threads);
    try {
      const sums = new Float64Array(statisticNames(model.network).reduce((sum, name) => sum + sizeOf(model, name), 0));
      let seen = 0;
      for await (const loaded of loader.epoch(0)) {
        await between?.();
        const own = await statistics.run(loaded.images, [batch, ...model.network.input]);
        for (const [i, value] of own.entries()) sums[i] += value;
        if (++seen === batches) break;
      }
      const means = Float32Array.from(sums, (sum) => sum / batches);
      return withStatistics(model, means);
    } finally {
      await statistics.close();
    }
  } finally {
    await loader.close();
  }
}

const sizeOf = ({ weights }: Model, name: string): number => weights.get(name)?.data.length ?? 0;

/** The names of all batch norm statistics in the order of the layers. */
const statisticNames = (network: Network): string[] =>
  layersOf(network)
    .filter(({ kind }) => kind === 'batch_norm')
    .flatMap(({ name }) => [`${name}/moving_mean`, `${name}/moving_variance`]);

/** The weights with new statistics, concatenated in the order of `statisticNames`. */
function withStatistics({ network, weights }: Model, statistics: Float32Array): Weights {
  const replaced = new Map(weights);
  let offset = 0;
  for (const name of statisticNames(network)) {
    const shape = weights.get(name)?.shape ?? [];
    const data = statistics.slice(offset, (offset += product(shape)));
    replaced.set(name, { shape, data });
  }
  return replaced;
}

/** Computes the statistics of all batch norms for a batch of images, concatenated. */
async function openStatistics(
  { network, weights }: Model,
  batch: number,
  engine: EngineChoice,
  threads: number,
): Promise<Pick<OpenModel, 'run' | 'close'>> {
  const own =
    engine.type === 'native'
      ? nativeStatistics({ network, weights }, statisticNames(network), { isa: engine.isa, batch, threads })
      : null;
  if (own !== null) return { run: own, close: () => Promise.resolve() };
  const still = withoutDropout(network);
  const variables = weightVariables({ network: still, weights });
  const shape = [batch, ...network.input];
  const forward = (images: tf.Tensor): tf.Tensor => {
    const kept: tf.Tensor[] = [];
    // `keep`, because each layer has a tidy scope of its own.
    const statistics = (_: string, { mean, variance }: { mean: tf.Tensor; variance: tf.Tensor }): void =>
      void kept.push(tf.keep(tf.clone(mean)), tf.keep(tf.clone(variance)));
    apply(still, weightsFrom(variables), images, { training: true, statistics });
    const all = tf.concat(kept);
    tf.dispose(kept);
    return all;
  };
  const dispose = (): void => tf.dispose([...variables.values()]);
  try {
    const program = await compile(
      ({ images }) => ({ statistics: forward(images) }),
      { images: { shape } },
      {
        target: await targetBeside(engine, { threads }),
        // It runs only a few times.
        optimize: false,
        // The function is deterministic; tests compare it with TF.js's cpu backend.
        checkDeterminism: false,
      },
    );
    return {
      run: async (images) => floats((await program.run({ images }))['statistics'], 'statistics'),
      async close() {
        await program.dispose();
        dispose();
      },
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

interface UnfoldOptions {
  /** Number of training images, rounded up to whole batches; default 2,048, at most all. */
  readonly images?: number;
  /** Images in each batch; default 128, at most all. */
  readonly batch?: number;
  /** Called with the number of processed images and the total. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A batch norm and the layer whose outputs it normalises. */
interface Normalized {
  readonly norm: string;
  readonly epsilon: number;
  readonly input: string;
  readonly channels: number;
}

const normalizedIn = (network: Network): Normalized[] =>
  layersOf(network).flatMap((layer, _, layers) => {
    if (layer.kind !== 'batch_norm') return [];
    const { name, epsilon, inputs, output } = layer;
    return [{ norm: name, epsilon, input: layers[inputs[0]].name, channels: output[2] }];
  });

/** Mean and variance of channels. */
interface Moments {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

const defaultBatch = 128;
const defaultImages = 2048;

/**
 * Prepares a network whose batch norm was folded into kernels for training. The moving statistics become those of the
 * layer's inputs over a fixed set of training images, and gamma and beta undo that normalisation. So inference computes
 * the same as before, and training (by batch statistics) nearly the same.
 *
 * @throws NasError `invalid-input` when the network does not accept the data's images
 */
export async function unfoldBatchNorm(model: Model, dataset: Dataset, options: UnfoldOptions = {}): Promise<Model> {
  const normalized = normalizedIn(model.network);
  if (normalized.length === 0) return model;
  const moments = await momentsOf(model, normalized, dataset, options);
  const weights = new Map(model.weights);
  for (const [i, { norm, epsilon }] of normalized.entries()) {
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

/** The moments of each batch norm's inputs, measured in inference mode. */
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
  // With one thread, the result does not depend on the machine's number of cores.
  const program = await openOnnx(exportFunction(infer, network.input, { batch, outputName: 'moments' }), 'the network');
  const loader = trainingLoader(dataset, { batch, seed: 0, size: [height, width] });
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
