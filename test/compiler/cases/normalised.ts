import * as tfl from '@tensorflow/tfjs-layers';
import { batchNormLayer } from '../support/models.js';

const { layers } = tfl;
type Symbolic = tfl.SymbolicTensor;

const through = (layer: { apply(x: Symbolic | Symbolic[]): unknown }, x: Symbolic | Symbolic[]): Symbolic =>
  layer.apply(x) as Symbolic;
const convolution = (filters: number, useBias = false, kernelSize = 3) =>
  layers.conv2d({ filters, kernelSize, padding: 'same', useBias });
const depthwise = (strides: 1 | 2) =>
  layers.depthwiseConv2d({ kernelSize: 3, strides, padding: 'same', useBias: false });
const norm = (x: Symbolic): Symbolic => through(batchNormLayer(), x);
const relu = (x: Symbolic): Symbolic => through(layers.reLU(), x);
const betweenDepthwise =
  (channels: number) =>
  (x: Symbolic): Symbolic => {
    const wide = relu(norm(through(convolution(channels), x)));
    return norm(through(depthwise(2), relu(norm(through(depthwise(1), wide)))));
  };

/**
 * Batch normalisation in every place that its backward pass may want to treat specially: its factor can move into the
 * convolution before, but only where that convolution's output and filter have no other use.
 */
export const normalisedGraphs: Readonly<Record<string, (x: Symbolic) => Symbolic>> = {
  'on the input': norm,
  'twice in a row': (x) => norm(norm(through(convolution(8), x))),
  'after a convolution with a bias': (x) => norm(through(convolution(8, true), x)),
  'after a convolution whose output is used again': (x) => {
    const y = through(convolution(16), x);
    return through(layers.add(), [relu(norm(y)), y]);
  },
  'twice after one convolution': (x) => {
    const y = through(convolution(8), x);
    return through(layers.add(), [norm(y), relu(norm(y))]);
  },
  'after two uses of one filter': (x) => {
    const shared = convolution(3);
    return norm(through(shared, relu(norm(through(shared, x)))));
  },
  'after an activated convolution': (x) =>
    norm(through(layers.conv2d({ filters: 8, kernelSize: 1, activation: 'tanh' }), x)),
  'after a pool': (x) => norm(through(layers.maxPooling2d({ poolSize: 2 }), through(convolution(8), x))),
  'after an addition of two convolutions': (x) =>
    norm(through(layers.add(), [through(convolution(8), x), through(convolution(8, false, 1), x)])),
  'after a concatenation': (x) =>
    norm(through(layers.concatenate(), [through(convolution(5), x), norm(through(convolution(3), x))])),
  'between depthwise convolutions': betweenDepthwise(16),
  'between depthwise convolutions of 12 channels': betweenDepthwise(12),
  'between full convolutions of whole blocks': (x) => {
    const wide = relu(norm(through(convolution(16), x)));
    const deep = relu(
      norm(through(layers.conv2d({ filters: 32, kernelSize: 3, strides: 2, padding: 'same', useBias: false }), wide)),
    );
    return norm(through(convolution(16), deep));
  },
  'of a residual of whole blocks': (x) => {
    const wide = relu(norm(through(convolution(16), x)));
    const y = norm(through(convolution(16), relu(norm(through(convolution(16), wide)))));
    return relu(through(layers.add(), [wide, y]));
  },
  'after a transposed convolution': (x) =>
    norm(
      through(layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: 'same', useBias: false }), x),
    ),
  'after a dense layer on pixels': (x) => norm(through(layers.dense({ units: 8, useBias: false }), x)),
  'after a permutation': (x) => norm(through(layers.permute({ dims: [2, 3, 1] }), through(convolution(8), x))),
  'of vectors': (x) =>
    through(layers.batchNormalization(), through(layers.dense({ units: 6 }), through(layers.flatten(), x))),
};
