import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import type { Block } from '../../../spaces/index.js';
import { batchNormLayer, dropoutLayer, randomiseWeights } from './models.js';

const { layers } = tfl;
type Symbolic = tfl.SymbolicTensor;
export type Act = 'relu' | 'relu6' | 'hard_swish' | 'swish';
type Activation = 'relu6' | 'hard_swish' | 'swish' | 'linear';

/** A depthwise-separable block of the TF.js models. */
export interface BlockSpec {
  readonly expand: number;
  readonly filters: number;
  readonly kernel: 3 | 5;
  readonly stride: 1 | 2;
  readonly squeezeExcite: boolean;
  readonly act: Activation;
}

export interface SmallNetwork {
  readonly size: number;
  readonly stem: number;
  readonly blocks: readonly BlockSpec[];
  readonly classes: number;
  readonly dropout?: number;
}

const through = (layer: { apply(x: Symbolic | Symbolic[]): unknown }, x: Symbolic | Symbolic[]): Symbolic =>
  layer.apply(x) as Symbolic;

/** Hard sigmoid as it is exported: (x + 3) / 6 clipped to [0, 1]. */
const hardSigmoid = (x: Symbolic): Symbolic =>
  through(
    layers.rescaling({ scale: 1 / 6 }),
    through(layers.reLU({ maxValue: 6 }), through(layers.rescaling({ scale: 1, offset: 3 }), x)),
  );

const activationOf: Readonly<Record<Activation, (x: Symbolic) => Symbolic>> = {
  linear: (x) => x,
  relu6: (x) => through(layers.reLU({ maxValue: 6 }), x),
  swish: (x) => through(layers.multiply(), [x, through(layers.activation({ activation: 'sigmoid' }), x)]),
  hard_swish: (x) => through(layers.multiply(), [x, hardSigmoid(x)]),
};

const normalised = (x: Symbolic, act: Activation): Symbolic => activationOf[act](through(batchNormLayer(), x));

const convolution = (x: Symbolic, filters: number, kernelSize: number, strides: number, act: Activation): Symbolic =>
  normalised(through(layers.conv2d({ filters, kernelSize, strides, padding: 'same', useBias: false }), x), act);

const gated = (x: Symbolic, width: number): Symbolic => {
  const pooled = through(layers.globalAveragePooling2d({}), x);
  const reduced = through(layers.dense({ units: Math.max(2, width >> 2), activation: 'relu' }), pooled);
  const gate = hardSigmoid(through(layers.dense({ units: width }), reduced));
  return through(layers.multiply(), [x, through(layers.reshape({ targetShape: [1, 1, width] }), gate)]);
};

function block(x: Symbolic, { expand, filters, kernel, stride, squeezeExcite, act }: BlockSpec): Symbolic {
  let y = convolution(x, expand, 1, 1, act);
  y = normalised(
    through(layers.depthwiseConv2d({ kernelSize: kernel, strides: stride, padding: 'same', useBias: false }), y),
    act,
  );
  if (squeezeExcite) y = gated(y, expand);
  y = convolution(y, filters, 1, 1, 'linear');
  return stride === 1 && x.shape[3] === filters ? through(layers.add(), [x, y]) : y;
}

/** A small MobileNet with reproducible weights; outputs logits. */
export function buildNetwork({ size, stem, blocks, classes, dropout = 0 }: SmallNetwork, key: string): tfl.LayersModel {
  const inputs = tfl.input({ shape: [size, size, 3] });
  let x = convolution(inputs, stem, 3, 1, 'relu6');
  for (const spec of blocks) x = block(x, spec);
  x = through(layers.globalAveragePooling2d({}), x);
  if (dropout > 0) x = through(dropoutLayer(dropout), x);
  const model = tfl.model({ inputs, outputs: through(layers.dense({ units: classes }), x) });
  randomiseWeights(model, key);
  return model;
}

/** A block of the search space. */
export function mbconv(
  filters: number,
  expand: number,
  kernel: number,
  stride: 1 | 2,
  se = 0,
  act: Act = 'swish',
): Block {
  return { kind: 'mbconv', filters, expand, kernel, stride, se, act };
}

const defaults = { squeezeExcite: false, act: 'relu6' } as const;
const one = (
  size: number,
  block: Pick<BlockSpec, 'kernel' | 'stride' | 'expand' | 'filters'> & Partial<BlockSpec>,
) => ({
  size,
  stem: 6,
  classes: 5,
  blocks: [{ ...defaults, ...block }],
});

/** Networks that together have every combination that the depthwise paths tell apart. */
export const smallNetworks: Readonly<Record<string, SmallNetwork>> = {
  'residual, 16 channels': one(7, { kernel: 3, stride: 1, expand: 16, filters: 6 }),
  'strided 3x3, 16 channels, even size': one(8, { kernel: 3, stride: 2, expand: 16, filters: 8 }),
  'strided 5x5, 32 channels, odd size': one(9, { kernel: 5, stride: 2, expand: 32, filters: 8, act: 'hard_swish' }),
  '5x5, 10 channels': one(7, { kernel: 5, stride: 1, expand: 10, filters: 6, act: 'swish' }),
  'strided 3x3, 12 channels, odd size': one(7, { kernel: 3, stride: 2, expand: 12, filters: 8, act: 'hard_swish' }),
  'gated, two blocks': {
    size: 7,
    stem: 8,
    classes: 5,
    blocks: [
      { kernel: 3, stride: 1, expand: 16, filters: 8, squeezeExcite: true, act: 'hard_swish' },
      { kernel: 5, stride: 2, expand: 20, filters: 8, squeezeExcite: true, act: 'swish' },
    ],
  },
};

/** Distillation: 0.5 CE + 0.5 T^2 KL to a teacher's logits (Hinton et al. 2015). */
export function distillationLoss(labels: tf.Tensor, logits: tf.Tensor, teacher: tf.Tensor, temperature = 4): tf.Scalar {
  const target = tf.softmax(tf.div(teacher, temperature));
  const log = tf.logSoftmax(tf.div(logits, temperature));
  const divergence = tf.mean(tf.sum(tf.mul(target, tf.sub(tf.log(tf.maximum(target, 1e-12)), log)), -1));
  const hard = tf.losses.softmaxCrossEntropy(labels, logits);
  return tf.add<tf.Scalar>(tf.mul(hard, 0.5), tf.mul(divergence, 0.5 * temperature ** 2));
}
