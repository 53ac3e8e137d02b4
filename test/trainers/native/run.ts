import * as tf from '@tensorflow/tfjs-core';
import type { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import { encodePasses } from '../../../compiler/native/encode.js';
import { nativeLibrary, type NativeLibrary } from '../../../compiler/native/library.js';
import { planMemory } from '../../../compiler/native/memory.js';
import type { NativeNetwork, Pass, Slice } from '../../../compiler/native/passes.js';
import { Random } from '../../../base/random.js';
import { samePadding } from '../../../base/same-padding.js';
import { styleOf, layersOf, withoutDropout, type Network } from '../../../spaces/index.js';
import {
  apply,
  followStatistics,
  initialWeights,
  weightsFrom,
  weightVariables,
  type Weights,
} from '../../../spaces/models/index.js';
import { withKernel } from '../../support/kernel.js';

export type Arrays = ReadonlyMap<string, Float32Array>;

/** What a training step computes before its update, for a gradient at the features. */
export interface Outcome {
  readonly features: Float32Array;
  readonly gradients: Arrays;
  /** Moving statistics after the step. */
  readonly statistics: Arrays;
  /** Features in inference, with the statistics of the beginning. */
  readonly inference: Float32Array;
}

export interface Input {
  readonly weights: Weights;
  readonly batch: number;
  readonly images: Float32Array;
  readonly featureGradients: Float32Array;
}

/** Random images, weights and gradients at the features. Norms have random parameters, too, so that none hides another. */
export function inputFor(network: Network, batch: number, width: number, seed: number): Input {
  const random = new Random(seed, 'native');
  const normal = (length: number, scale = 1, mean = 0): Float32Array =>
    Float32Array.from({ length }, () => mean + scale * random.normal());
  const weights = new Map(
    [...initialWeights(network, seed)].map(([name, { shape, data }]) => {
      const role = name.slice(name.indexOf('/') + 1);
      if (role === 'gamma') return [name, { shape, data: normal(data.length, 0.3, 1) }];
      if (role === 'moving_variance') return [name, { shape, data: data.map(() => 0.5 + random.uniform()) }];
      return [name, role.includes('kernel') ? { shape, data } : { shape, data: normal(data.length, 0.3) }];
    }),
  );
  const [height, rows, channels] = network.input;
  return {
    weights,
    batch,
    images: normal(batch * height * rows * channels),
    featureGradients: normal(batch * width),
  };
}

/**
 * TF.js's cpu gradient of an average pool divides by the whole window, its forward pass by the values inside the map. The gradient
 * of what the forward pass computes is the same with larger gradients at the edges.
 */
const correctAveragePools =
  (own: tf.KernelFunc): tf.KernelFunc =>
  ({ inputs, backend, attrs }) => {
    const { dy, input } = inputs as { readonly dy: tf.TensorInfo; readonly input: tf.TensorInfo };
    const { filterSize, strides } = attrs as unknown as { readonly filterSize: number; readonly strides: number };
    const cpu = backend as MathBackendCPU;
    const [, height, width, channels] = dy.shape;
    const share = (axis: 1 | 2, index: number): number => {
      const from = index * strides - samePadding(input.shape[axis], filterSize, strides)[0];
      return filterSize / (Math.min(from + filterSize, input.shape[axis]) - Math.max(from, 0));
    };
    const values = Float32Array.from(cpu.readSync(dy.dataId) as Float32Array, (value, i) => {
      const pixel = Math.floor(i / channels);
      return value * share(1, Math.floor(pixel / width) % height) * share(2, pixel % width);
    });
    return own({ inputs: { dy: cpu.makeTensorInfo(dy.shape, 'float32', values), input }, backend, attrs });
  };

/** By TF.js's cpu backend. */
export async function eagerly(
  network: Network,
  { weights, batch, images, featureGradients }: Input,
  frozenNorms = false,
): Promise<Outcome> {
  await tf.setBackend('cpu');
  const still = withoutDropout(network);
  const layers = layersOf(network);
  const last = layers[layers.length - 1];
  const end = last.kind === 'detections' ? layers[last.inputs[0]].name : 'head_pool';
  const variables = weightVariables({ network, weights });
  let outcome: Outcome | undefined;
  const compute = (): void => {
    const x = tf.tensor4d(images, [batch, ...network.input]);
    const resolve = weightsFrom(variables);
    const pooled = (training: boolean): tf.Tensor =>
      apply(still, resolve, x, {
        training,
        frozenNorms,
        features: [end],
        ...(training ? { statistics: followStatistics(variables, styleOf(network)) } : {}),
      }).features[0];
    const inference = Float32Array.from(pooled(false).dataSync());
    let features = new Float32Array();
    const trained = [...variables.values()].filter(({ trainable }) => trainable);
    const { grads } = tf.variableGrads(() => {
      const made = pooled(true);
      features = Float32Array.from(made.dataSync());
      return tf.sum<tf.Scalar>(tf.mul(made, tf.tensor(featureGradients, made.shape)));
    }, trained);
    const all: Readonly<Record<string, tf.Tensor | null | undefined>> = grads;
    const valuesOf = (isTrained: boolean): [string, tf.Variable][] =>
      [...variables].filter(([, { trainable }]) => trainable === isTrained);
    const gradients = new Map(
      valuesOf(true).flatMap(([name, variable]) => {
        const grad = all[variable.name];
        return grad == null ? [] : [[name, Float32Array.from(grad.dataSync())]];
      }),
    );
    const statistics = new Map(
      valuesOf(false).map(([name, variable]) => [name, Float32Array.from(variable.dataSync())]),
    );
    outcome = { features, gradients, statistics, inference };
  };
  withKernel('AvgPoolGrad', correctAveragePools, () => tf.tidy(compute));
  for (const variable of variables.values()) variable.dispose();
  if (outcome === undefined) throw new Error('nothing was computed');
  return outcome;
}

function library(): NativeLibrary {
  const found = nativeLibrary();
  if ('reason' in found) throw new Error(found.reason);
  return found;
}

interface NativeOptions {
  readonly chunks: number;
  readonly threads?: number;
  /** The arrays of the weights in `input`; default: those of the plan. */
  readonly arrays?: Pick<NativeNetwork, 'weights' | 'gradients'>;
}

/** By the native library. */
export async function natively(
  plan: NativeNetwork,
  input: Input,
  { chunks, threads = 1, arrays = plan }: NativeOptions,
): Promise<Outcome> {
  const { images, features, featureGradients } = plan;
  const { weights, gradients } = arrays;
  const native = library();
  const { forward, backward, inference } = plan.passes;
  const sequences = [[...forward, ...backward], [...inference]];
  const memory = planMemory(sequences, [images, features, featureGradients]);
  const arena = native.allocate(memory.floats);
  // What nothing has written is not 0.
  arena.fill(NaN);
  const [training, inferring] = memory.offsets;
  const view = (slice: Slice): Float32Array => {
    const from = (training.get(slice.buffer) ?? NaN) + slice.from;
    return arena.subarray(from, from + slice.floats);
  };
  const whole = (buffer: Slice['buffer']): Float32Array => view({ buffer, from: 0, floats: buffer.floats });
  const copies = (slices: ReadonlyMap<string, Slice>): Map<string, Float32Array> =>
    new Map([...slices].map(([name, slice]) => [name, view(slice).slice()]));
  const run = async (passes: readonly Pass[], offsets: typeof training): Promise<void> => {
    const encoded = encodePasses(passes, offsets);
    const scratch = native.allocate(Math.ceil(native.scratch(encoded) / 16) * 16 * threads);
    scratch.fill(NaN);
    await native.run({ passes: encoded, arena, scratch, images: input.batch, chunks, threads });
  };
  for (const [{ buffer }] of [weights, gradients].map((slices) => [...slices.values()])) whole(buffer).fill(0);
  for (const [name, { data }] of input.weights) {
    const slice = weights.get(name);
    if (slice !== undefined) view(slice).set(data);
  }
  whole(images).set(input.images);
  whole(featureGradients).set(input.featureGradients);
  if (inference.length > 0) await run(inference, inferring);
  const inferred = whole(features).slice();
  await run(forward, training);
  const made = whole(features).slice();
  await run(backward, training);
  const isMoving = (name: string): boolean => name.includes('/moving_');
  return {
    features: made,
    gradients: copies(gradients),
    statistics: new Map([...copies(weights)].filter(([name]) => isMoving(name))),
    inference: inferred,
  };
}

/** The Euclidean norm of the differences against that of the values. */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>, least = 0): number {
  let [difference, norm] = [0, least ** 2];
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i] - expected[i]) ** 2;
    norm += expected[i] ** 2;
  }
  return Math.sqrt(difference / norm);
}
