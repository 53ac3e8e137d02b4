import * as tf from '@tensorflow/tfjs-core';
import { compile } from '../compiler/index.js';
import {
  channelGroups,
  detectionOf,
  mapTaskOf,
  type Importance,
  type Network,
  targetShape,
  type WeightAxis,
} from '../spaces/index.js';
import { apply, type Model, weightsFrom, weightVariables } from '../spaces/models/index.js';
import { activateBackend, type AnyEngine, chooseEngine, type EngineChoice, targetBeside } from './engines/index.js';
import { formOf } from './image-form.js';
import { totalLoss } from './losses/index.js';
import { setImmediate } from 'node:timers/promises';
import { NasError } from '../base/errors.js';
import { trainingLoader, withDataset, type DatasetRef } from './data/index.js';
import { readWeights } from './weights.js';

/** Computes the derivative of a batch's loss by a gate on each channel, for each channel group. */
interface GateGradients {
  /**
   * @param images normalised, in the network's size
   * @param labels soft labels, or the cells of a detector
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

/** The loss on labels. */
function lossOf(network: Network, labels: tf.Tensor, logits: tf.Tensor): tf.Tensor {
  const head = detectionOf(network);
  const task = head === null ? 'classification' : mapTaskOf(head);
  return totalLoss({ type: 'cross-entropy', label_smoothing: 0, task }, { labels, logits, teacher: null });
}

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
    return tf.reshape<tf.Rank.R0>(lossOf(network, labels, logits), []);
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
  await activateBackend();
  const weights = weightVariables(model);
  try {
    const program = await compile(
      ({ images, labels }: Record<string, tf.Tensor>) => gates(network, weights, images, labels),
      { images: { shape: [batch, ...network.input] }, labels: { shape: [batch, ...targetShape(network)] } },
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

export interface ImportanceOptions {
  readonly network: Network;
  /** File of the trained weights (`readWeights`). */
  readonly weights: string;
  readonly dataset: DatasetRef;
  /** Selects the images. */
  readonly seed: number;
  /** Computes the gradients; engines differ by rounding. */
  readonly engine: AnyEngine;
  /** Threads of ONNX Runtime; their number may change the last bits. */
  readonly threads: number;
  /** Number of training images; default 2,048, at most all. */
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

/**
 * The importance of each channel of a trained network, by group; removing a more important channel costs more: the first-order
 * change of the loss without the channel, as the square of gradient times activation, over batches of unaugmented training
 * images (Molchanov et al. 2017, 2019).
 *
 * @throws NasError `failure` when the file holds another network's weights; `interrupted` when the signal is aborted
 */
export async function channelImportance(options: ImportanceOptions, hooks: ImportanceHooks = {}): Promise<Importance> {
  const weights = readWeights(options.network, options.weights);
  const { network, dataset: ref, seed, engine, threads, images: wanted = 2048, batch: size = 64 } = options;
  const choice = await chooseEngine(engine);
  return withDataset(ref, async (dataset) => {
    const { train } = dataset.info.counts;
    const batch = Math.min(size, wanted, train);
    const batches = Math.floor(Math.min(wanted, train) / batch);
    const sums = new Map(channelGroups(network).map((group) => [group.name, new Array<number>(group.width).fill(0)]));
    const loader = trainingLoader(dataset, { batch, seed, ...formOf(network) });
    const gradients = await gateGradients({ network, weights }, batch, choice, threads);
    try {
      let done = 0;
      for await (const { images, labels } of loader.epoch(0)) {
        if (done === batches) break;
        await setImmediate();
        await hooks.pause?.();
        if (hooks.signal?.aborted === true) throw new NasError('interrupted', 'computing importance was interrupted');
        for (const [name, slopes] of await gradients.of(images, labels)) {
          const sum = sums.get(name) ?? [];
          for (const [channel, gate] of slopes.entries()) sum[channel] += gate * gate;
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
