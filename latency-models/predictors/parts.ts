import { layersOf, type Layer, type Network } from '../../spaces/index.js';
import type { LayerTime } from '../device.js';
import { median } from '../statistics.js';
import type { Component } from './evidence.js';
import type { Catalogue, Profile } from './catalogue.js';
import type { Observation } from './latency-model.js';

/** A fit has at most this many parts, those that most time was spent in, and at most so many with the networks. */
const [mostParts, mostRows] = [60, 80];
/** Standard deviation of a node's time, in ms: the profiler counts whole microseconds. */
const clock = 3e-4;
/** By how much the profiler's overhead differs between families of layers, in ms: it writes down inputs and shapes. */
const ownOverhead = 1e-3;
/** What other errors of a part's time are expected to be as a share of it: a logarithm with its standard deviation. */
const expectedShare = { centre: -2.7, spread: 1 } as const;

/**
 * Layers that the runtime executes as one kernel (a convolution with its activation, say), timed by its profiler: a
 * prediction unit in the sense of nn-Meter (Zhang et al. 2021).
 */
export interface Part {
  readonly profile: Profile;
  /** Mean over the networks that it was timed in. */
  readonly ms: number;
  /** How many nodes were timed, each with the profiler's overhead. */
  readonly nodes: number;
  /** Of all its layers. */
  readonly family: string;
}

interface TimedLayers {
  readonly layers: readonly Layer[];
  readonly ms: number;
  readonly nodes: number;
}

/** What was timed under the name of a layer, and the layers without a time of their own that are fused into it. */
function timedLayers(catalogue: Catalogue, network: Network, times: readonly LayerTime[]): TimedLayers[] {
  const all = layersOf(network);
  const positions = new Map(all.map(({ name }, i) => [name, i]));
  const timed = new Map<number, { layers: Layer[]; ms: number; nodes: number }>();
  for (const { layer, ms, nodes } of times) {
    let at = positions.get(layer);
    // A fused node may have the name of the batch norm or the activation.
    while (at !== undefined && !catalogue.takesTime(all[at])) at = all[at].inputs.at(0);
    if (at === undefined) continue;
    const known = timed.get(at);
    timed.set(at, { layers: [], ms: ms + (known?.ms ?? 0), nodes: nodes + (known?.nodes ?? 0) });
  }
  const executedWith: number[] = [];
  for (const [i, layer] of all.entries()) {
    const own = timed.has(i) || layer.inputs.length === 0 ? i : executedWith[Math.max(...layer.inputs)];
    executedWith.push(own);
    timed.get(own)?.layers.push(layer);
  }
  return [...timed.values()];
}

/** The parts that observations have times of, each configuration once. */
export function partsOf(catalogue: Catalogue, observations: readonly Observation[]): Part[] {
  const found = new Map<string, { profile: Profile; nodes: number; ms: number[] }>();
  for (const { network, layers: times = [] } of observations) {
    for (const { layers, ms, nodes } of timedLayers(catalogue, network, times)) {
      const profile = { ...catalogue.count(layers), declared: [], isConstant: false };
      const key = `${nodes}: ${profile.layers.join()} ${profile.counts.join()}`;
      const known = found.get(key) ?? { profile, nodes, ms: [] };
      known.ms.push(ms);
      found.set(key, known);
    }
  }
  const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
  return [...found.values()]
    .sort((a, b) => total(b.ms) - total(a.ms))
    .slice(0, Math.min(mostParts, Math.max(0, mostRows - observations.length)))
    .map(({ profile, nodes, ms }) => ({
      profile,
      nodes,
      ms: total(ms) / ms.length,
      family: profile.layers.map((l) => catalogue.layers[l].family).join(),
    }));
}

/**
 * What is between parts' profiled times and what they take, in units of `scale` ms. The parts' rows come after `before`
 * others, which have no such errors.
 */
export interface PartErrors {
  /** Covariance of what is known beforehand: each node's overhead and the clock. */
  readonly known: Float64Array;
  /** All else: a share of the time. */
  readonly share: Component;
}

export function partErrors(parts: readonly Part[], before: number, scale: number): PartErrors {
  const n = before + parts.length;
  const overhead = median(parts.map(({ ms, nodes }) => ms / nodes));
  const known = new Float64Array(n * n);
  const share = new Float64Array(n * n);
  for (const [i, a] of parts.entries()) {
    const row = (before + i) * n + before;
    for (const [j, b] of parts.entries()) {
      const variance = overhead ** 2 + (a.family === b.family ? ownOverhead ** 2 : 0);
      known[row + j] = (a.nodes * b.nodes * variance) / scale ** 2;
    }
    known[row + i] += a.nodes * (clock / scale) ** 2;
    share[row + i] = (a.ms / scale) ** 2;
  }
  return { known, share: { matrix: share, ...expectedShare } };
}
