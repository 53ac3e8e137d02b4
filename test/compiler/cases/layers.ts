import * as tfl from '@tensorflow/tfjs-layers';

const { layers } = tfl;
type Layer = ReturnType<typeof layers.dense>;
type Shape = readonly number[];

/** One layer at one setting, with the shapes of its inputs without the batch. */
export interface LayerCase {
  readonly name: string;
  readonly create: () => Pick<Layer, 'apply'>;
  readonly inputs: readonly Shape[];
  /** Only the inference output is compared: TF.js itself fails to train or differentiate this layer. */
  readonly inferenceOnly?: true;
}

const image: Shape = [6, 5, 4];
const wide: Shape = [7, 7, 16];
const on = (name: string, inputs: readonly Shape[], create: LayerCase['create']): LayerCase => ({
  name,
  inputs,
  create,
});

const inferenceOnly = (layer: LayerCase): LayerCase => ({ ...layer, inferenceOnly: true });

const activations = [
  ...(['elu', 'hardSigmoid', 'linear', 'relu', 'relu6', 'selu', 'sigmoid', 'softmax'] as const),
  ...(['softplus', 'softsign', 'tanh', 'swish', 'mish', 'gelu', 'gelu_new'] as const),
];
/** Rows above and below, columns before and after. */
const border: [[number, number], [number, number]] = [
  [1, 2],
  [0, 1],
];

const convolutions: readonly LayerCase[] = [
  ...(['same', 'valid'] as const).flatMap((padding) => [
    on(`conv2d ${padding}`, [image], () => layers.conv2d({ filters: 3, kernelSize: 3, padding })),
    on(`conv2d strided ${padding}`, [image], () =>
      layers.conv2d({ filters: 3, kernelSize: [3, 2], strides: 2, padding, useBias: false }),
    ),
    on(`conv2d relu ${padding}`, [image], () =>
      layers.conv2d({ filters: 5, kernelSize: 1, padding, activation: 'relu' }),
    ),
    on(`depthwiseConv2d ${padding}`, [wide], () => layers.depthwiseConv2d({ kernelSize: 3, padding })),
    on(`depthwiseConv2d strided ${padding}`, [wide], () =>
      layers.depthwiseConv2d({ kernelSize: 5, strides: 2, padding, useBias: false }),
    ),
    on(`depthwiseConv2d of 4 channels ${padding}`, [image], () =>
      layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, padding, activation: 'tanh' }),
    ),
    on(`separableConv2d ${padding}`, [image], () => layers.separableConv2d({ filters: 3, kernelSize: 3, padding })),
    on(`conv2dTranspose ${padding}`, [image], () =>
      layers.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, padding }),
    ),
  ]),
  on('conv1d', [[8, 4]], () => layers.conv1d({ filters: 3, kernelSize: 3, padding: 'same' })),
];

const pooling: readonly LayerCase[] = [
  on('maxPooling2d', [image], () => layers.maxPooling2d({ poolSize: 2 })),
  on('maxPooling2d same', [image], () => layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' })),
  // 'valid' only: TF.js's cpu gradient of a padded average pool is wrong (see kernels.test.ts).
  on('averagePooling2d', [image], () => layers.averagePooling2d({ poolSize: 2 })),
  on('averagePooling2d overlapping', [image], () => layers.averagePooling2d({ poolSize: 3, strides: 1 })),
  on('globalAveragePooling2d', [image], () => layers.globalAveragePooling2d({})),
  on('globalMaxPooling2d', [image], () => layers.globalMaxPooling2d({})),
];

const normalising: readonly LayerCase[] = [
  on('batchNormalization of images', [image], () => layers.batchNormalization()),
  on('batchNormalization of 16 channels', [wide], () => layers.batchNormalization({ momentum: 0.8, epsilon: 0.01 })),
  ...[
    on('batchNormalization without scale', [image], () => layers.batchNormalization({ scale: false })),
    on('batchNormalization without centre', [image], () => layers.batchNormalization({ center: false })),
    on('batchNormalization without either', [image], () => layers.batchNormalization({ center: false, scale: false })),
  ].map(inferenceOnly),
  on('batchNormalization of vectors', [[7]], () => layers.batchNormalization()),
  on('layerNormalization', [image], () => layers.layerNormalization()),
  on('rescaling', [image], () => layers.rescaling({ scale: 1 / 6, offset: 0.5 })),
];

const shaping: readonly LayerCase[] = [
  on('flatten', [image], () => layers.flatten()),
  on('reshape', [[12]], () => layers.reshape({ targetShape: [2, 3, 2] })),
  on('reshape to 1x1', [[16]], () => layers.reshape({ targetShape: [1, 1, 16] })),
  on('permute', [image], () => layers.permute({ dims: [3, 1, 2] })),
  on('repeatVector', [[5]], () => layers.repeatVector({ n: 3 })),
  on('cropping2D', [image], () => layers.cropping2D({ cropping: border })),
  on('zeroPadding2d', [image], () => layers.zeroPadding2d({ padding: border })),
  // TF.js's cpu gradient of nearest resizing reads the wrong image of a batch (see cases/convolution.ts).
  inferenceOnly(on('upSampling2d nearest', [image], () => layers.upSampling2d({ size: [2, 2] }))),
  on('upSampling2d bilinear', [[4, 4, 3]], () => layers.upSampling2d({ size: [2, 2], interpolation: 'bilinear' })),
  on('dense', [[6]], () => layers.dense({ units: 4, activation: 'relu' })),
  on('dense of images', [image], () => layers.dense({ units: 3, useBias: false })),
];

const merging: readonly LayerCase[] = [
  on('add', [image, image, image], () => layers.add()),
  on('average', [image, image], () => layers.average()),
  on('multiply', [image, image], () => layers.multiply()),
  on('multiply by a channel gate', [image, [1, 1, 4]], () => layers.multiply()),
  on('maximum', [image, image], () => layers.maximum()),
  on('minimum', [image, image], () => layers.minimum()),
  on('concatenate', [image, [6, 5, 2]], () => layers.concatenate()),
  on('dot', [[6], [6]], () => layers.dot({ axes: 1 })),
];

const activating: readonly LayerCase[] = [
  ...activations.map((activation) => on(`activation ${activation}`, [image], () => layers.activation({ activation }))),
  on('reLU', [image], () => layers.reLU()),
  on('reLU 6', [image], () => layers.reLU({ maxValue: 6 })),
  on('leakyReLU', [image], () => layers.leakyReLU({ alpha: 0.2 })),
  on('elu', [image], () => layers.elu({ alpha: 1 })),
  inferenceOnly(on('thresholdedReLU', [image], () => layers.thresholdedReLU({ theta: 0.5 }))),
  on('prelu', [image], () => layers.prelu()),
  on('softmax', [[7]], () => layers.softmax()),
];

/** Every layer of TF.js that image models are made of, and that draws no random numbers. */
export const layerCases: readonly LayerCase[] = [
  ...convolutions,
  ...pooling,
  ...normalising,
  ...shaping,
  ...merging,
  ...activating,
];
