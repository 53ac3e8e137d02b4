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
import { createLoader, withDataset, type DatasetRef } from './data/index.js';
import { readWeights } from './weights.js';

/** One labelled batch: normalised images as the network takes them, and soft labels. */
interface LabelledBatch {
  readonly images: Float32Array;
  readonly labels: Float32Array;
}

/** Gives, for each group of channels, the derivative of a batch's loss by a gate on each of its channels. */
interface GateGradients {
  of(batch: LabelledBatch): Promise<ReadonlyMap<string, Float32Array>>;
  close(): Promise<void>;
}

interface GradientOptions {
  /** Where the network trains; beside an eager engine they are computed on the processor. */
  readonly engine: EngineChoice;
  readonly threads: number;
}

/** Sums over all axes but one. */
const along = (x: tf.Tensor, axis: number): tf.Tensor =>
  tf.sum(
    x,
    x.shape.map((_, i) => i).filter((i) => i !== axis),
  );

/**
 * The derivatives of the loss by gates that multiply the channels of each group wherever they are read, at 1: the sum of
 * gradient times activation over all that reads them (Molchanov et al. 2017). It is the sum of gradient times weight over
 * the weights that read a channel, so that one pass gives those of all groups, and no map is touched.
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

/**
 * Compiles one program for batches of this size, of the network as it is deployed: batch norm by its moving statistics,
 * no dropout.
 */
export async function gateGradients(
  model: Model,
  batch: number,
  { engine, threads }: GradientOptions,
): Promise<GateGradients> {
  const { network } = model;
  await activateBackend(onProcessor);
  const weights = weightVariables(model);
  try {
    const program = await compile(
      ({ images, labels }: Record<string, tf.Tensor>) => gates(network, weights, images, labels),
      { images: { shape: [batch, ...network.input] }, labels: { shape: [batch, network.classes] } },
      // The function is our own code on trained layers; tests compare it with finite differences.
      { target: await targetBeside(engine, { threads }), checkDeterminism: false },
    );
    return {
      async of({ images, labels }) {
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

/** What a channel's importance is told by. */
export const importanceKinds = ['taylor', 'gamma', 'l1'] as const;
export type ImportanceKind = (typeof importanceKinds)[number];

export interface ImportanceOptions {
  readonly kind: ImportanceKind;
  readonly network: Network;
  /** File of the trained weights (`readWeights`). */
  readonly weights: string;
  readonly dataset: DatasetRef;
  /** Draws the images that `taylor` looks at. */
  readonly seed: number;
  /** Whose gradients `taylor` computes: where networks train. Those of another engine differ by rounding. */
  readonly engine: AnyEngine;
  /** Threads of ONNX Runtime. With another number the last bits may differ. */
  readonly threads: number;
  /** How many training images `taylor` looks at; default 2,048, fewer when there are no more. */
  readonly images?: number;
  /** Images a batch, whose gradients are summed before they are squared; default 64. */
  readonly batch?: number;
}

export interface ImportanceHooks {
  /** Images done, and how many there will be. */
  onProgress?(done: number, total: number): void;
  /** Awaited between any two batches. */
  pause?(): Promise<void> | void;
  readonly signal?: AbortSignal;
}

/** Mean of the magnitudes of a weight's entries, by channel. */
function magnitudes(weights: Weights, { weight, axis }: WeightAxis): number[] {
  const value = weights.get(weight);
  if (value === undefined) throw new Error(`there is no value for ${weight}`);
  const { shape, data } = value;
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const sums = new Array<number>(shape[axis]).fill(0);
  for (const [i, x] of data.entries()) sums[Math.floor(i / inner) % shape[axis]] += Math.abs(x);
  return sums.map((sum) => (sum * shape[axis]) / data.length);
}

/** The mean magnitude, over those of a group's weights that count, by channel; groups without any are left out. */
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

/** Squares of the gates' gradients, summed over batches of training images as they are. */
async function taylor(options: ImportanceOptions, weights: Weights, hooks: ImportanceHooks): Promise<Importance> {
  const { network, dataset: ref, seed, engine, threads, images: wanted = 2048, batch: size = 64 } = options;
  const [height, width] = network.input;
  const choice = await chooseEngine(engine);
  return withDataset(ref, async (dataset) => {
    const { train } = dataset.info.counts;
    const batch = Math.min(size, wanted, train);
    const batches = Math.floor(Math.min(wanted, train) / batch);
    const sums = new Map(channelGroups(network).map((group) => [group.name, new Array<number>(group.width).fill(0)]));
    const loader = createLoader({
      dataset,
      split: 'train',
      batch,
      seed,
      viewSeed: seed,
      augment: null,
      shuffle: true,
      dropLast: true,
      size: [height, width],
    });
    const gradients = await gateGradients({ network, weights }, batch, { engine: choice, threads });
    try {
      let done = 0;
      for await (const labelled of loader.epoch(0)) {
        if (done === batches) break;
        await setImmediate();
        await hooks.pause?.();
        if (hooks.signal?.aborted === true) throw new NasError('interrupted', 'computing importance was interrupted');
        for (const [name, gates] of await gradients.of(labelled)) {
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
 * How much each channel of a trained network matters, by group; the larger, the more is lost without it.
 *
 * - `taylor`: how much the loss would change, to first order, without the channel: the square of gradient times
 *   activation, over batches of training images (Molchanov et al. 2017, 2019).
 * - `gamma`: the magnitude of batch norm's scale (Liu et al. 2017). Channels that no batch norm scales (the hidden ones of
 *   squeeze-excite and of dense layers) have none and are not cut.
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
