import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { invalidInput } from '../../base/errors.js';
import type { PixelScale } from '../../base/preprocess.js';
import { Random } from '../../base/random.js';
import { type Network, trainedLayersOf } from '../../spaces/index.js';
import { apply, namedWeights, weightsFrom, weightVariables, type Model } from '../../spaces/models/index.js';
import { featureWeights } from '../schema/loss.js';
import type { FeaturePair } from '../losses/index.js';
import type { Parameter } from '../optimizers/index.js';
import type { LossConfig } from '../schema/loss.js';
import { loadLayersModel } from '../../compiler/index.js';
import type { ImageSize } from '../data/index.js';
import { readWeights } from '../weights.js';
import type { TeacherModelSource, TeacherNormalisation } from '../schema/teacher.js';

/**
 * The last feature map [batch, height, width, channels] at each resolution (`height x width`), in the order of the layers,
 * with its channels and what computes it. Maps of one pixel (squeeze-excite, global pooling) are left out.
 */
export type FeatureTaps<Tap = unknown> = ReadonlyMap<string, { readonly channels: number; readonly tap: Tap }>;

/** The feature maps of a network, by layer name. */
export function featureTaps(network: Network): FeatureTaps<string> {
  return new Map(
    trainedLayersOf(network)
      .filter(({ kind, output: [height, width] }) => kind !== 'input' && height * width > 1)
      .map(({ name, output: [height, width, channels] }) => [`${height}x${width}`, { channels, tap: name }]),
  );
}

/** A frozen network whose feature maps are compared with those of a student. */
export interface FeatureTeacher {
  readonly taps: FeatureTaps;
  /** The variables of the network: constants of the program. */
  readonly frozen: readonly tf.Variable[];
  /** The maps at these resolutions. */
  maps(images: tf.Tensor, resolutions: readonly string[]): tf.Tensor[];
  dispose(): void;
}

/** A network as feature teacher, on the current TF.js backend. */
export function networkFeatureTeacher(model: Model): FeatureTeacher {
  const { network } = model;
  const variables = weightVariables(model);
  const taps = featureTaps(network);
  return {
    taps,
    frozen: [...variables.values()],
    maps(images, resolutions) {
      const features = resolutions.map((resolution) => taps.get(resolution)?.tap ?? '');
      return [...apply(network, weightsFrom(variables), images, { training: false, features }).features];
    },
    dispose: () => tf.dispose([...variables.values()]),
  };
}

/** A linear change of each channel. */
interface Renormalisation {
  readonly factor: readonly number[];
  readonly offset: readonly number[];
}

/** From images normalised by `from` to the same images normalised by `to`. */
const renormalisation = (from: PixelScale, to: PixelScale): Renormalisation => ({
  factor: from.std.map((std, c) => std / to.std[c]),
  offset: from.mean.map((mean, c) => (mean - to.mean[c]) / to.std[c]),
});

/**
 * A TF.js layers model as feature teacher, which owns the model.
 * @param change of the students' images to those of the model; absent: they are the same
 */
export function layersFeatureTeacher(model: tfl.LayersModel, change?: Renormalisation): FeatureTeacher {
  const taps = new Map<string, { channels: number; tap: tfl.SymbolicTensor }>();
  for (const layer of model.layers) {
    // Inputs are not features; a layer that is used more than once has no single output.
    if (layer.getClassName() === 'InputLayer' || layer.inboundNodes.length !== 1) continue;
    for (const tap of [layer.output].flat()) {
      const [, height, width, channels] = tap.shape;
      if (tap.shape.length !== 4 || height == null || width == null || channels == null) continue;
      if (height * width > 1) taps.set(`${height}x${width}`, { channels, tap });
    }
  }
  return {
    taps,
    frozen: namedWeights(model).map(({ variable }) => variable),
    maps(images, resolutions) {
      const outputs = resolutions.flatMap((resolution) => taps.get(resolution)?.tap ?? []);
      const own = change ? tf.add(tf.mul(images, [...change.factor]), [...change.offset]) : images;
      const maps = tfl.model({ inputs: model.inputs, outputs }).apply(own, { training: false });
      // For one tensor, a model returns tensors.
      return [maps as tf.Tensor | tf.Tensor[]].flat();
    },
    dispose: () => void model.dispose(),
  };
}

/** The resolutions at which student and teacher both have a map. */
export interface FeaturePairs {
  /** `height x width` of each pair, in the student's order: large to small. */
  readonly resolutions: readonly string[];
  /** Channels of each pair. */
  readonly channels: readonly (readonly [student: number, teacher: number])[];
  /** The student's layers with the maps. */
  readonly layers: readonly string[];
}

const describe = (taps: FeatureTaps): string => [...taps.keys()].join(', ') || 'none';

/**
 * Pairs the maps of student and teacher by resolution.
 * @throws NasError `invalid-input` when they share no resolution
 */
export function pairFeatures(student: Network, { taps: theirs }: Pick<FeatureTeacher, 'taps'>): FeaturePairs {
  const own = featureTaps(student);
  const pairs = [...own].flatMap(([resolution, { channels, tap }]) => {
    const other = theirs.get(resolution);
    return other === undefined ? [] : [{ resolution, channels: [channels, other.channels] as const, tap }];
  });
  if (pairs.length === 0)
    throw invalidInput(
      `hints and attention transfer compare features of one resolution, but the student has ${describe(own)} and the teacher ${describe(theirs)}`,
      { hint: 'Use a teacher with the same strides, or set train.loss.hints and train.loss.attention to 0.' },
    );
  return {
    resolutions: pairs.map(({ resolution }) => resolution),
    channels: pairs.map(({ channels }) => channels),
    layers: pairs.map(({ tap }) => tap),
  };
}

/** FitNets' regressors: a trainable 1x1 convolution with bias for each pair of maps; never exported. */
export interface Adapters {
  readonly parameters: readonly Parameter[];
  apply(pair: number, features: tf.Tensor): tf.Tensor;
}

export function createAdapters({ resolutions, channels }: FeaturePairs, random: Random): Adapters {
  const made = resolutions.map((resolution, i) => {
    const [from, to] = channels[i] ?? [1, 1];
    const std = Math.sqrt(1 / from);
    const values = Float32Array.from({ length: from * to }, () => std * random.normal());
    const kernel = tf.tidy(() => tf.variable(tf.tensor4d(values, [1, 1, from, to])));
    const bias = tf.tidy(() => tf.variable(tf.zeros([to])));
    return { resolution, kernel, bias };
  });
  return {
    parameters: made.flatMap(({ resolution, kernel, bias }) => [
      { name: `adapter/${resolution}/kernel`, variable: kernel },
      { name: `adapter/${resolution}/bias`, variable: bias },
    ]),
    apply(pair, features) {
      const { kernel, bias } = made[pair];
      // The kernel and the feature maps are 4-D.
      return tf.add(tf.conv2d(features as tf.Tensor4D, kernel as tf.Tensor4D, 1, 'same'), bias);
    },
  };
}

/** The features of student and teacher that a loss compares. */
export interface FeatureComparison {
  /** The compared layers of the student. */
  readonly layers: readonly string[];
  /** Parameters of the adapters, if the loss needs them. */
  readonly parameters: readonly Parameter[];
  /** @param features outputs of `layers` for these images */
  pairs(images: tf.Tensor, features: readonly tf.Tensor[]): FeaturePair[];
}

/**
 * @param seed of the adapters' initial values
 * @throws NasError `invalid-input` when student and teacher share no resolution
 */
export function compareFeatures(
  student: Network,
  teacher: FeatureTeacher,
  loss: LossConfig,
  seed: number,
): FeatureComparison {
  const pairs = pairFeatures(student, teacher);
  const adapters = featureWeights(loss).hints === 0 ? null : createAdapters(pairs, new Random(seed, 'adapters'));
  return {
    layers: pairs.layers,
    parameters: adapters?.parameters ?? [],
    pairs(images, features) {
      const theirs = teacher.maps(images, pairs.resolutions);
      return features.map((own, i) => ({
        student: own,
        teacher: theirs[i],
        adapt: (x) => adapters?.apply(i, x) ?? x,
      }));
    },
  };
}

/**
 * Loads a feature teacher for images of the student's size; a network's weights do not depend on the size.
 * @param data normalisation of the student's images
 * @throws NasError `invalid-input` when a layers model takes images of another size
 */
export async function loadFeatureTeacher(
  teacher: {
    readonly model: TeacherModelSource | null;
    readonly normalisation: TeacherNormalisation | null;
  } | null,
  input: ImageSize,
  data: PixelScale,
): Promise<FeatureTeacher> {
  const { model: source, normalisation } = teacher ?? { model: null, normalisation: null };
  if (source === null) throw new Error('the loss compares features with a teacher that shows none');
  if (source.type === 'network') {
    const network = { ...source.network, input };
    return networkFeatureTeacher({ network, weights: readWeights(network, source.weights) });
  }
  const { model } = await loadLayersModel(source.path);
  const expected = model.inputs[0]?.shape.slice(1) ?? [];
  if (expected.some((side, axis) => side !== null && side !== input[axis]))
    throw invalidInput(
      `the teacher ${source.path} takes images of ${expected.join('x')}, the student ${input.join('x')}`,
      {
        hint: 'Fix the resolution of the space to that of the teacher, or set train.loss.hints and attention to 0.',
      },
    );
  const isOwn = normalisation !== null && normalisation.from !== 'data';
  return layersFeatureTeacher(model, isOwn ? renormalisation(data, normalisation) : undefined);
}
