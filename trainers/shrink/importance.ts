import { setImmediate } from 'node:timers/promises';
import { NasError } from '../../base/errors.js';
import {
  channelGroups,
  type ChannelGroup,
  type Importance,
  type Network,
  type WeightAxis,
} from '../../spaces/index.js';
import type { Weights } from '../../spaces/models/index.js';
import { createLoader, withDataset, type DatasetRef } from '../data/index.js';
import { chooseEngine, type AnyEngine } from '../engines/index.js';
import { readWeights } from '../weights.js';
import { gateGradients } from './gradients.js';

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
