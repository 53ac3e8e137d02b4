import { branchNames } from '../layer-list.js';
import { type LayerOf, paddingAlong } from '../layers.js';
import { layersOf, trainedLayersOf } from '../network-layers.js';
import { foldedNetwork, styleOf } from '../network.js';
import { type Model, type Weights, weightSpecs, type WeightValue } from './weights.js';

type Convolution = LayerOf<'conv' | 'depthwise'>;

/** The weights of a batch norm that adds a bias and does nothing else in inference. */
export function biasNorm(name: string, bias: Float32Array, epsilon: number): Weights {
  const vector = (role: string, data: Float32Array) => [`${name}/${role}`, { shape: [data.length], data }] as const;
  const filled = (value: number): Float32Array => new Float32Array(bias.length).fill(value);
  return new Map([
    vector('gamma', filled(1)),
    vector('beta', bias),
    vector('moving_mean', filled(0)),
    vector('moving_variance', filled(1 - epsilon)),
  ]);
}

/**
 * The weights of one convolution and its batch norm that compute the sum of branches in inference. The kernel is as large as the
 * first copy's, and gamma as large as if the branches were independent, so that fine-tuning with rounding, which keeps statistics,
 * takes steps of the usual size.
 */
function folded(layer: Convolution, weights: Weights, epsilon: number): Weights {
  const { name, kernel: side, input, output } = layer;
  const role = kernelRole(layer);
  const of = (weight: string): Float32Array => weights.get(weight)?.data ?? fail(weight);
  const channels = output[2];
  // Values of one pixel of the kernel; the output channel is the last axis that is longer than 1.
  const shape = role === 'kernel' ? [side, side, input[2], channels] : [side, side, channels, 1];
  const pixel = shape[2] * shape[3];
  const kernel = new Float64Array(side * side * pixel);
  const bias = new Float64Array(channels);
  const squares = new Float64Array(channels);
  /** Adds a normalised kernel, which is as large, or is one pixel: the one at which the convolution's stride begins. */
  const add = (branch: string, values: ArrayLike<number>): void => {
    const [gamma, beta, mean, variance] = ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((own) =>
      of(`${branch}_bn/${own}`),
    );
    const factor = Float64Array.from(gamma, (value, c) => value / Math.sqrt(variance[c] + epsilon));
    const at =
      values.length === kernel.length ? 0 : (paddingAlong(layer, 0)[0] * side + paddingAlong(layer, 1)[0]) * pixel;
    for (let i = 0; i < values.length; i++) kernel[at + i] += values[i] * factor[i % channels];
    for (let c = 0; c < channels; c++) bias[c] += beta[c] - mean[c] * factor[c];
    for (let c = 0; c < channels; c++) squares[c] += gamma[c] ** 2;
  };
  const { copy, point, skip } = branchNames;
  for (let i = 0; weights.has(`${copy(name, i)}/${role}`); i++) add(copy(name, i), of(`${copy(name, i)}/${role}`));
  if (weights.has(`${point(name)}/${role}`)) add(point(name), of(`${point(name)}/${role}`));
  if (weights.has(`${skip(name)}_bn/gamma`))
    add(
      skip(name),
      Array.from({ length: pixel }, (_, i) => (Math.floor(i / channels) === i % channels || role !== 'kernel' ? 1 : 0)),
    );
  const norm = biasNorm(`${name}_bn`, Float32Array.from(bias), epsilon);
  const variance = of(`${name}_bn/moving_variance`);
  const scale = Array.from(squares, (square, c) => {
    const gamma = Math.sqrt(square) || 1;
    norm.get(`${name}_bn/gamma`)?.data.set([gamma], c);
    norm.get(`${name}_bn/moving_variance`)?.data.set([variance[c]], c);
    return gamma / Math.sqrt(variance[c] + epsilon);
  });
  const data = Float32Array.from(kernel, (value, i) => value / scale[i % channels]);
  return new Map([[`${name}/${role}`, { shape, data }], ...norm]);
}

const kernelRole = ({ kind }: Convolution): string => (kind === 'conv' ? 'kernel' : 'depthwise_kernel');

function fail(weight: string): never {
  throw new Error(`there is no value for ${weight}`);
}

/**
 * A model as it runs on devices: each sum of branches becomes one convolution, which computes the same in inference (RepVGG, Ding
 * et al. 2021). Its batch norm has no statistics. A model without branches stays as it is.
 */
export function foldBranches({ network, weights }: Model): Model {
  const deployed = foldedNetwork(network);
  if (deployed === network) return { network, weights };
  const { epsilon } = styleOf(network);
  const trained = new Set(trainedLayersOf(network).map(({ name }) => name));
  const made = new Map<string, WeightValue>();
  for (const layer of layersOf(deployed)) {
    if ((layer.kind !== 'conv' && layer.kind !== 'depthwise') || !trained.has(`${layer.name}_sum`)) continue;
    for (const [name, value] of folded(layer, weights, epsilon)) made.set(name, value);
  }
  const value = (name: string): WeightValue => made.get(name) ?? weights.get(name) ?? fail(name);
  return { network: deployed, weights: new Map(weightSpecs(deployed).map(({ name }) => [name, value(name)])) };
}
