import * as tf from '@tensorflow/tfjs-core';
import { compile } from '../compiler/index.js';
import { type ChannelGroup, channelGroups, type Importance, type Network, type WeightAxis } from '../spaces/index.js';
import { apply, type Model, type Weights, weightsFrom, weightVariables } from '../spaces/models/index.js';
import {
  activateBackend,
  type AnyEngine,
  chooseEngine,
  type EngineChoice,
  onProcessor,
  targetBeside,
} from './engines/index.js';
import { crossEntropy } from './losses/index.js';
import { setImmediate } from 'node:timers/promises';
import { NasError } from '../base/errors.js';
import { product } from '../base/statistics.js';
import { trainingLoader, withDataset, type DatasetRef } from './data/index.js';
import { readWeights } from './weights.js';

/** Computes the derivative of a batch's loss by a gate on each channel, for each channel group. */
interface GateGradients {
  /**
   * @param images normalised, in the network's size
   * @param labels soft labels
   */
  of(images: Float32Array, labels: Float32Array): Promise<ReadonlyMap<string, Float32Array>>;
  close(): Promise<void>;
}

/** Sums over all axes but one. */
const along = (x: tf.Tensor, axis: number): tf.Tensor =>
  tf.sum(
    x,
    x.shape.map((_, i) => i).filter((i) => i !== axis),
  );

/**
 * The derivatives of the loss by gates (at 1) that multiply each channel wherever it is read: the sum of gradient times
 * activation over all readers (Molchanov et al. 2017). This equals the sum of gradient times weight over the weights that
 * read the channel, so one pass over the weights is enough for all groups.
 */
function gates(
  network: Network,
  weights: ReadonlyMap<string, tf.Variable>,
  images: tf.Tensor,
  labels: tf.Tensor,
): Record<string, tf.Tensor> {
  const variable = (name: string): tf.Variable => {
    const found = weights.get(name);
    if (found === undefined) throw new Error(`there is no value for ${name}`);
    return found;
  };
  const reading = channelGroups(network).map(({ name, axes }) => ({
    name,
    axes: axes.filter(({ role }) => role === 'reads'),
  }));
  const readers = [...new Set(reading.flatMap(({ axes }) => axes.map(({ weight }) => weight)))].map(variable);
  const { grads } = tf.variableGrads(() => {
    const { logits } = apply(network, weightsFrom(weights), images, { training: false });
    return tf.reshape<tf.Rank.R0>(crossEntropy(labels, logits), []);
  }, readers);
  const gate = ({ weight, axis }: WeightAxis): tf.Tensor =>
    along(tf.mul(variable(weight), grads[variable(weight).name]), axis);
  return Object.fromEntries(reading.map(({ name, axes }) => [name, tf.addN(axes.map(gate))]));
}

/** Compiles a program for batches of this size, with the network as deployed: moving statistics, no dropout. */
export async function gateGradients(
  model: Model,
  batch: number,
  engine: EngineChoice,
  threads: number,
): Promise<GateGradients> {
  const { network } = model;
  await activateBackend(onProcessor);
  const weights = weightVariables(model);
  try {
    const program = await compile(
      ({ images, labels }: Record<string, tf.Tensor>) => gates(network, weights, images, labels),
      { images: { shape: [batch, ...network.input] }, labels: { shape: [batch, network.classes] } },
      // The function is deterministic; tests compare it with finite differences.
      { target: await targetBeside(engine, { threads }), checkDeterminism: false },
    );
    return {
      async of(images, labels) {
        const outputs = await program.run({ images, labels });
        return new Map(Object.entries(outputs).map(([name, { data }]) => [name, Float32Array.from(data)]));
      },
      async close() {
        await program.dispose();
        tf.dispose([...weights.values()]);
      },
    };
  } catch (error) {
    tf.dispose([...weights.values()]);
    throw error;
  }
}

/** The measures of a channel's importance; see `channelImportance`. */
export const importanceKinds = ['taylor', 'gamma', 'l1'] as const;
export type ImportanceKind = (typeof importanceKinds)[number];

export interface ImportanceOptions {
  readonly kind: ImportanceKind;
  readonly network: Network;
  /** File of the trained weights (`readWeights`). */
  readonly weights: string;
  readonly dataset: DatasetRef;
  /** Selects the images for `taylor`. */
  readonly seed: number;
  /** Computes the gradients for `taylor`; engines differ by rounding. An eager engine uses the processor here. */
  readonly engine: AnyEngine;
  /** Threads of ONNX Runtime; their number may change the last bits. */
  readonly threads: number;
  /** Number of training images for `taylor`; default 2,048, at most all. */
  readonly images?: number;
  /** Images in each batch; gradients are summed over a batch before they are squared. Default 64. */
  readonly batch?: number;
}

export interface ImportanceHooks {
  /** Called with the number of processed images and the total. */
  onProgress?(done: number, total: number): void;
  /** Awaited between batches. */
  pause?(): Promise<void> | void;
  readonly signal?: AbortSignal;
}

/** The mean magnitude of a weight's entries, by channel. */
function magnitudes(weights: Weights, { weight, axis }: WeightAxis): number[] {
  const value = weights.get(weight);
  if (value === undefined) throw new Error(`there is no value for ${weight}`);
  const { shape, data } = value;
  const inner = product(shape.slice(axis + 1));
  const sums = new Array<number>(shape[axis]).fill(0);
  for (const [i, x] of data.entries()) sums[Math.floor(i / inner) % shape[axis]] += Math.abs(x);
  return sums.map((sum) => (sum * shape[axis]) / data.length);
}

/** The mean magnitude over the selected weights of each group, by channel; groups without such weights are left out. */
function byMagnitude(
  groups: readonly ChannelGroup[],
  weights: Weights,
  counts: (axis: WeightAxis) => boolean,
): Importance {
  return new Map(
    groups.flatMap(({ name, width, axes }) => {
      const own = axes.filter(counts).map((axis) => magnitudes(weights, axis));
      if (own.length === 0) return [];
      const mean = (channel: number): number => own.reduce((sum, values) => sum + values[channel], 0) / own.length;
      return [[name, Array.from({ length: width }, (_, channel) => mean(channel))] as const];
    }),
  );
}

/** Squared gate gradients, summed over batches of unaugmented training images. */
async function taylor(options: ImportanceOptions, weights: Weights, hooks: ImportanceHooks): Promise<Importance> {
  const { network, dataset: ref, seed, engine, threads, images: wanted = 2048, batch: size = 64 } = options;
  const [height, width] = network.input;
  const choice = await chooseEngine(engine);
  return withDataset(ref, async (dataset) => {
    const { train } = dataset.info.counts;
    const batch = Math.min(size, wanted, train);
    const batches = Math.floor(Math.min(wanted, train) / batch);
    const sums = new Map(channelGroups(network).map((group) => [group.name, new Array<number>(group.width).fill(0)]));
    const loader = trainingLoader(dataset, { batch, seed, size: [height, width] });
    const gradients = await gateGradients({ network, weights }, batch, choice, threads);
    try {
      let done = 0;
      for await (const { images, labels } of loader.epoch(0)) {
        if (done === batches) break;
        await setImmediate();
        await hooks.pause?.();
        if (hooks.signal?.aborted === true) throw new NasError('interrupted', 'computing importance was interrupted');
        for (const [name, gates] of await gradients.of(images, labels)) {
          const sum = sums.get(name) ?? [];
          for (const [channel, gate] of gates.entries()) sum[channel] += gate * gate;
        }
        hooks.onProgress?.(++done * batch, batches * batch);
      }
    } finally {
      await gradients.close();
      await loader.close();
    }
    return sums;
  });
}

/**
 * The importance of each channel of a trained network, by group; removing a more important channel costs more.
 *
 * - `taylor`: the first-order change of the loss without the channel: the square of gradient times activation, over
 *   batches of training images (Molchanov et al. 2017, 2019).
 * - `gamma`: the magnitude of batch norm's scale (Liu et al. 2017). Channels without batch norm (the hidden ones of
 *   squeeze-excite and of dense layers) get no value and are not cut.
 * - `l1`: the mean magnitude of the weights that make the channel (Li et al. 2017).
 *
 * @throws NasError `failure` when the file holds another network's weights; `interrupted` when the signal is aborted
 */
export async function channelImportance(options: ImportanceOptions, hooks: ImportanceHooks = {}): Promise<Importance> {
  const { kind, network } = options;
  const weights = readWeights(network, options.weights);
  const groups = channelGroups(network);
  switch (kind) {
    case 'taylor':
      return taylor(options, weights, hooks);
    case 'gamma':
      return byMagnitude(groups, weights, ({ weight }) => weight.endsWith('/gamma'));
    case 'l1':
      return byMagnitude(groups, weights, ({ role }) => role === 'makes');
  }
}
