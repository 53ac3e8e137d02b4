import { mean, sum } from '../../base/statistics.js';
import { layersOf, type Layer, type Network } from '../../spaces/index.js';
import type { LayerTime } from '../device.js';
import { median } from '../statistics.js';
import { columnsOf, kernelRow, type Columns } from './columns.js';
import { takesTime, type Catalogue, type Profile, type Sample } from './features.js';
import type { ModelKind, Observation } from './linear-cost-model.js';
import { diagonal, type Component, type Regression } from './regression.js';

/** Noise is relative to the latency, or to this share of the median where that is more. */
const minShare = 0.3;
/** Prior standard deviation of a column's share of the latency. */
const shareSize = 0.3;
/** Normal priors of the logarithms of the components' standard deviations. */
export const sizePriors = {
  noise: { centre: -3.7, spread: 1 },
  layers: { centre: -1.5, spread: 0.7 },
  details: { centre: -2.3, spread: 0.7 },
} as const;

export interface LinearCostOptions {
  readonly kind: ModelKind;
  /** Exponent of the overlap of launches and computations; 1: none. */
  readonly overlap: number;
  readonly kernels?: readonly TimedKernel[];
}

/** The input of a fit, in units of `scale` ms: one row for each sample, then one for each timed kernel. */
export interface FitData {
  readonly catalogue: Catalogue;
  readonly samples: readonly Sample[];
  readonly profiles: readonly Profile[];
  readonly columns: Columns;
  readonly scale: number;
  readonly target: Float64Array;
  /** Relative variance of each row's noise. */
  readonly noise: Float64Array;
  /** Of the times of kernels. */
  readonly errors: KernelErrors | null;
  readonly prior: Float64Array;
  readonly free: Regression['free'];
  readonly options: LinearCostOptions;
}

export function prepare(catalogue: Catalogue, samples: readonly Sample[], options: LinearCostOptions): FitData {
  const { kernels = [] } = options;
  const networks = samples.map(({ profile }) => profile);
  const columns = columnsOf(catalogue, networks);
  const scale = median(samples.map(({ ms }) => ms));
  return {
    catalogue,
    samples,
    profiles: [...networks, ...kernels.map(({ profile }) => profile)],
    columns: {
      ...columns,
      rows: [...columns.rows, ...kernels.map(({ profile }) => kernelRow(catalogue, profile, columns))],
    },
    scale,
    target: Float64Array.from([...samples, ...kernels], ({ ms }) => ms / scale),
    noise: Float64Array.from([
      ...samples.map(({ ms }) => Math.max(ms / scale, minShare) ** 2),
      ...kernels.map(() => 0),
    ]),
    errors: kernels.length === 0 ? null : kernelErrors(kernels, samples.length, scale),
    prior: diagonal(columns.isDetail.map((detail) => (detail ? 0 : shareSize ** 2))),
    free: [{ matrix: diagonal(columns.isDetail.map(Number)), ...sizePriors.details }],
    options,
  };
}

/** The regression at the given noise, with further deviations. */
export function regression(
  data: FitData,
  noise: Float64Array,
  rows: readonly Float64Array[],
  deviations: readonly Component[],
): Regression {
  const { target, prior, free, errors } = data;
  const n = target.length;
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) matrix[i * n + i] = noise[i];
  return {
    target,
    rows,
    prior,
    free,
    ...(errors === null ? {} : { errors: errors.known }),
    components: [{ matrix, ...sizePriors.noise }, ...deviations, ...(errors === null ? [] : [errors.share])],
  };
}

/** The cost of a unit of each column. */
export const unitCostsOf = (
  { names, means }: Columns,
  weights: readonly number[],
  scale: number,
): Map<string, number> => new Map(names.map((name, j) => [name, (scale * weights[j]) / means[j]]));

/** Most kernels of a fit, and most rows of kernels and networks together. */
const [maxKernels, maxRows] = [60, 80];
/** Standard deviation of a node's time, in ms: the profiler counts whole microseconds. */
const clock = 3e-4;
/** Standard deviation of the profiler's overhead between families of layers, in ms: it records inputs and shapes. */
const ownOverhead = 1e-3;
/** Prior of the other errors of a kernel's time, as a share of it. */
const sharePrior = { centre: -2.7, spread: 1 } as const;

/**
 * Layers that the runtime executes as one kernel (such as a convolution with its activation) and that its profiler timed:
 * a prediction unit in the sense of nn-Meter (Zhang et al. 2021).
 */
export interface TimedKernel {
  readonly profile: Profile;
  /** Mean over its networks. */
  readonly ms: number;
  /** Timed nodes, each with the profiler's overhead. */
  readonly nodes: number;
  /** The families of all its layers. */
  readonly family: string;
}

interface TimedLayers {
  readonly layers: readonly Layer[];
  readonly ms: number;
  readonly nodes: number;
}

/** Each timed layer, together with the layers that are fused into it and have no time of their own. */
function timedLayers(network: Network, times: readonly LayerTime[]): TimedLayers[] {
  const all = layersOf(network);
  const positions = new Map(all.map(({ name }, i) => [name, i]));
  const timed = new Map<number, { layers: Layer[]; ms: number; nodes: number }>();
  for (const { layer, ms, nodes } of times) {
    let at = positions.get(layer);
    // A fused node may have the name of the batch norm or the activation.
    while (at !== undefined && !takesTime(all[at])) at = all[at].inputs.at(0);
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

/** The kernels of observations with layer times, each configuration once; of many, those with the most time. */
export function timedKernels(catalogue: Catalogue, observations: readonly Observation[]): TimedKernel[] {
  const found = new Map<string, { profile: Profile; nodes: number; ms: number[] }>();
  for (const { network, layers: times = [] } of observations) {
    for (const { layers, ms, nodes } of timedLayers(network, times)) {
      const profile = { ...catalogue.count(layers), isConstant: false };
      const key = `${nodes}: ${profile.layers.join()} ${profile.counts.join()}`;
      const known = found.get(key) ?? { profile, nodes, ms: [] };
      known.ms.push(ms);
      found.set(key, known);
    }
  }
  return [...found.values()]
    .sort((a, b) => sum(b.ms) - sum(a.ms))
    .slice(0, Math.min(maxKernels, Math.max(0, maxRows - observations.length)))
    .map(({ profile, nodes, ms }) => ({
      profile,
      nodes,
      ms: mean(ms),
      family: profile.layers.map((l) => catalogue.layers[l].family).join(),
    }));
}

/** Covariances of the errors of profiled times, in units of `scale` ms; rows of networks have none. */
interface KernelErrors {
  /** Of known size: each node's overhead and the clock. */
  readonly known: Float64Array;
  /** All others, as a share of the time. */
  readonly share: Component;
}

/** @param before rows of networks, which come first. */
function kernelErrors(kernels: readonly TimedKernel[], before: number, scale: number): KernelErrors {
  const n = before + kernels.length;
  const overhead = median(kernels.map(({ ms, nodes }) => ms / nodes));
  const known = new Float64Array(n * n);
  const share = new Float64Array(n * n);
  for (const [i, a] of kernels.entries()) {
    const row = (before + i) * n + before;
    for (const [j, b] of kernels.entries()) {
      const variance = overhead ** 2 + (a.family === b.family ? ownOverhead ** 2 : 0);
      known[row + j] = (a.nodes * b.nodes * variance) / scale ** 2;
    }
    known[row + i] += a.nodes * (clock / scale) ** 2;
    share[row + i] = (a.ms / scale) ** 2;
  }
  return { known, share: { matrix: share, ...sharePrior } };
}
