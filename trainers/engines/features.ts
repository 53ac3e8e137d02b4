import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { invalidInput } from '../../base/errors.js';
import type { Random } from '../../base/random.js';
import type { Parameter } from '../optimizers/index.js';

/** The feature maps of a model by spatial resolution, `height x width`. */
export type FeatureTaps = ReadonlyMap<string, tfl.SymbolicTensor>;

/**
 * The last feature map [batch, height, width, channels] at each spatial resolution, in the order of the layers. Maps of
 * a single pixel are left out: they have no spatial structure (squeeze-excite, global pooling).
 */
export function featureTaps(model: tfl.LayersModel): FeatureTaps {
  const taps = new Map<string, tfl.SymbolicTensor>();
  for (const layer of model.layers) {
    // An input is no feature; a layer that is used more than once has no single output.
    if (layer.getClassName() === 'InputLayer' || layer.inboundNodes.length !== 1) continue;
    for (const output of [layer.output].flat()) {
      const [, height, width, channels] = output.shape;
      if (output.shape.length !== 4 || height == null || width == null || channels == null) continue;
      if (height * width > 1) taps.set(`${height}x${width}`, output);
    }
  }
  return taps;
}

/** Student and teacher with their feature maps as further outputs. */
export interface Features {
  /** `height x width`, one for each pair of maps, in the student's order: large to small. */
  readonly resolutions: readonly string[];
  /** Channels of each pair. */
  readonly channels: readonly (readonly [student: number, teacher: number])[];
  /** Outputs: logits, then the maps. */
  readonly student: tfl.LayersModel;
  /** Outputs: the maps. */
  readonly teacher: tfl.LayersModel;
}

const describe = (taps: FeatureTaps): string => [...taps.keys()].join(', ') || 'none';

/**
 * Taps both models at every spatial resolution that they share.
 * @throws NasError `invalid-input` when they share none
 */
export function pairFeatures(student: tfl.LayersModel, teacher: tfl.LayersModel): Features {
  const own = featureTaps(student);
  const theirs = featureTaps(teacher);
  const pairs = [...own].flatMap(([resolution, a]) => {
    const b = theirs.get(resolution);
    return b === undefined ? [] : [{ resolution, a, b }];
  });
  if (pairs.length === 0)
    throw invalidInput(
      `hints and attention transfer compare features of one resolution, but the student has ${describe(own)} and the teacher ${describe(theirs)}`,
      { hint: 'Use a teacher with the same strides, or set train.loss.hints and train.loss.attention to 0.' },
    );
  return {
    resolutions: pairs.map(({ resolution }) => resolution),
    channels: pairs.map(({ a, b }) => [a.shape[3] ?? 1, b.shape[3] ?? 1]),
    student: tfl.model({ inputs: student.inputs, outputs: [...student.outputs, ...pairs.map(({ a }) => a)] }),
    teacher: tfl.model({ inputs: teacher.inputs, outputs: pairs.map(({ b }) => b) }),
  };
}

/** FitNets' regressors: a 1x1 convolution with bias for each pair of maps; trained along, never exported. */
export interface Adapters {
  readonly parameters: readonly Parameter[];
  apply(pair: number, features: tf.Tensor): tf.Tensor;
}

export function createAdapters({ resolutions, channels }: Features, random: Random): Adapters {
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
      // The kernel is 4-D and the features are the models' feature maps.
      return tf.add(tf.conv2d(features as tf.Tensor4D, kernel as tf.Tensor4D, 1, 'same'), bias);
    },
  };
}
