import * as tf from '@tensorflow/tfjs-core';
import { compile } from '../compiler/index.js';
import { layersOf, type Network } from '../spaces/index.js';
import { apply, weightsFrom, weightVariables, type Model, type Weights } from '../spaces/models/index.js';
import { createLoader, type Dataset } from './data/index.js';
import type { AugmentConfig } from './data/schema.js';
import { floats } from './engines/compiled-states.js';
import { targetBeside, type EngineChoice } from './engines/index.js';

/** The images that batch norm's statistics are computed from. */
export interface CalibrationImages {
  readonly dataset: Dataset;
  /** The training's: the statistics of other images than a network was trained on do not fit its weights. */
  readonly augment: AugmentConfig;
  /** Images in each batch. */
  readonly batch: number;
  /** How many, in whole batches: at least one, at most all training images. */
  readonly calibration: number;
  /** Decides which training images, and their views. */
  readonly seed: number;
}

export interface CalibrationOptions {
  /** An engine that is active (`activateBackend`). */
  readonly engine: EngineChoice;
  readonly threads: number;
  /** Awaited before every batch; when it rejects, so does the calibration. */
  readonly between?: (() => Promise<void> | void) | undefined;
}

/**
 * A network's weights with batch norm's moving statistics computed anew: means, over the batches of a fixed set of
 * training images, of each batch's own mean and variance. What a member of a supernet needs before it is used, since
 * its weights were never trained with its statistics (Yu & Huang 2019).
 */
export async function calibrate(
  model: Model,
  images: CalibrationImages,
  { engine, threads, between }: CalibrationOptions,
): Promise<Weights> {
  const { dataset, augment, calibration, seed } = images;
  const batch = Math.min(images.batch, dataset.info.counts.train);
  const [height, width] = model.network.input;
  const loader = createLoader({
    dataset,
    split: 'train',
    batch,
    seed,
    viewSeed: seed,
    augment,
    shuffle: true,
    dropLast: true,
    size: [height, width],
  });
  const batches = Math.min(loader.stepsPerEpoch, Math.max(1, Math.round(calibration / batch)));
  try {
    const statistics = await openStatistics(model, batch, engine, threads);
    try {
      const sums = new Float64Array(statistics.size);
      let seen = 0;
      for await (const { images } of loader.epoch(0)) {
        await between?.();
        for (const [i, value] of (await statistics.of(images)).entries()) sums[i] += value;
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

/** The names of batch norm's statistics, forwards. */
const statisticNames = (network: Network): string[] =>
  layersOf(network)
    .filter(({ kind }) => kind === 'batch_norm')
    .flatMap(({ name }) => [`${name}/moving_mean`, `${name}/moving_variance`]);

/** The weights with these statistics, which lie one after the other in the order of their names. */
function withStatistics({ network, weights }: Model, statistics: Float32Array): Weights {
  const replaced = new Map(weights);
  let offset = 0;
  for (const name of statisticNames(network)) {
    const shape = weights.get(name)?.shape ?? [];
    const data = statistics.slice(offset, (offset += shape.reduce((a, b) => a * b, 1)));
    replaced.set(name, { shape, data });
  }
  return replaced;
}

/** What computes the statistics of a batch of images: those of all batch norms, one after the other. */
interface Statistics {
  readonly size: number;
  of(images: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

async function openStatistics(
  { network, weights }: Model,
  batch: number,
  engine: EngineChoice,
  threads: number,
): Promise<Statistics> {
  const size = statisticNames(network).reduce((sum, name) => sum + (weights.get(name)?.data.length ?? 0), 0);
  const still: Network = { ...network, head: { ...network.head, dropout: 0 } };
  const variables = weightVariables({ network: still, weights });
  const shape = [batch, ...network.input];
  const forward = (images: tf.Tensor): tf.Tensor => {
    const kept: tf.Tensor[] = [];
    // Each layer has a scope of its own, out of which its statistics are kept.
    const statistics = (_: string, { mean, variance }: { mean: tf.Tensor; variance: tf.Tensor }): void =>
      void kept.push(tf.keep(tf.clone(mean)), tf.keep(tf.clone(variance)));
    apply(still, weightsFrom(variables), images, { training: true, statistics });
    const all = tf.concat(kept);
    tf.dispose(kept);
    return all;
  };
  const dispose = (): void => tf.dispose([...variables.values()]);
  if (engine.type === 'eager')
    return {
      size,
      async of(images) {
        const result = tf.tidy(() => forward(tf.tensor(images, shape)));
        try {
          return Float32Array.from(await result.data());
        } finally {
          result.dispose();
        }
      },
      close() {
        dispose();
        return Promise.resolve();
      },
    };
  try {
    const program = await compile(
      ({ images }) => ({ statistics: forward(images) }),
      { images: { shape } },
      {
        target: await targetBeside(engine, { threads }),
        // It runs a few times only.
        optimize: false,
        // Our own code on given layers; tests compare it with TF.js's cpu backend.
        checkDeterminism: false,
      },
    );
    return {
      size,
      of: async (images) => floats((await program.run({ images }))['statistics'], 'statistics'),
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
