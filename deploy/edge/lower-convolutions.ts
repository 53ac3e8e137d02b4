import type { ImageSize } from '../../base/image-pixels.js';
import { intOf, isPlainProduct, nodeLabel, toStorage, windowOf, type OnnxNode } from '../../compiler/index.js';
import type { GraphConstant, Lowering, Rule } from './lower-graph.js';
import { noPadding, type Padding, type Pair, type TensorId } from './program.js';

export const paddingOf = ([top, left, bottom, right]: readonly number[]): Padding => ({ top, left, bottom, right });

const isWhole = (value: number): boolean => Number.isInteger(value) && value >= 1;

/** The window of a node on an image, and the image after it. */
export function slide(node: OnnxNode, it: Lowering, [height, width]: ImageSize, kernel?: readonly number[]) {
  const window = windowOf(node, [height, width], kernel);
  if (window === undefined) throw it.refusal(node, 'has a window that does not fit its image');
  const { strides, dilations, pads } = window;
  const steps = [height, width].map(
    (size, i) => (size + pads[i] + pads[i + 2] - (window.kernel[i] - 1) * dilations[i] - 1) / strides[i] + 1,
  );
  if (intOf(node, 'ceil_mode', 0) === 1 && !steps.every(Number.isInteger))
    throw it.refusal(node, 'counts partial windows at the border (ceil_mode)', 'Export the model without ceil_mode.');
  const size = steps.map(Math.floor);
  if (!size.every(isWhole)) throw it.refusal(node, 'has a window that does not fit its image');
  return { ...window, size: [size[0], size[1]] as const };
}

export const pair = ([vertical, horizontal]: readonly number[]): Pair => [vertical, horizontal];

/** Weights [out, in / groups, height, width] as TFLite has them, and the bias. */
function kernelOf(node: OnnxNode, it: Lowering, image: TensorId, weights: GraphConstant, isDepthwise: boolean) {
  const { builder } = it;
  const label = nodeLabel(node);
  const [out, each, height, width] = weights.shape;
  const bias = biasOf(node, it, out);
  const inBytes = it.isBytes(image);
  const { data, scales } = weights;
  if (inBytes !== data instanceof Int8Array || (inBytes && scales === undefined))
    throw it.refusal(node, inBytes ? 'has weights that are not int8' : 'reads floats, but its weights are bytes');
  if (weights.zero !== undefined && weights.zero !== 0)
    throw it.refusal(node, 'has weights whose zero is not 0', 'Quantize the float model with nas quantize.');
  const order = isDepthwise ? [1, 2, 3, 0] : [0, 2, 3, 1];
  const shape = isDepthwise ? [1, height, width, out] : [out, height, width, each];
  if (data instanceof Float32Array) {
    const kernel = builder.constant(`${label}/weights`, shape, 'float32', toStorage(data, weights.shape, order));
    const shift = bias === undefined ? new Float32Array(out) : Float32Array.from(bias.data);
    return [image, kernel, builder.constant(`${label}/bias`, [out], 'float32', shift)];
  }
  const scale = builder.tensor(image).quantization?.scales[0] ?? NaN;
  const perChannel = scales?.length === out ? scales : new Float32Array(out).fill(scales?.[0] ?? NaN);
  const bytesOf = Int8Array.from(toStorage(data as Int8Array, weights.shape, order));
  const kernel = builder.constant(`${label}/weights`, shape, 'int8', bytesOf, {
    scales: perChannel,
    zero: 0,
    axis: isDepthwise ? 3 : 0,
  });
  const sums = perChannel.map((one) => scale * one);
  // The image may have another scale than the file says, where TFLite fixes it.
  const shift = Int32Array.from({ length: out }, (_, c) => {
    const own = bias?.scales?.[bias.scales.length === out ? c : 0] ?? sums[c];
    const value = bias?.data[c] ?? 0;
    return Math.abs(own / sums[c] - 1) < 1e-5 ? value : Math.round((value * own) / sums[c]);
  });
  return [image, kernel, builder.constant(`${label}/bias`, [out], 'int32', shift, { scales: sums, zero: 0, axis: 0 })];
}

function weightsOf(node: OnnxNode, it: Lowering): GraphConstant {
  const weights = it.constant(node.inputs[1]);
  if (weights === undefined) throw it.refusal(node, 'has weights that are computed');
  return weights;
}

function biasOf(node: OnnxNode, it: Lowering, out: number): GraphConstant | undefined {
  if (!node.inputs[2]) return undefined;
  const bias = it.constant(node.inputs[2]);
  if (bias?.data.length !== out) throw it.refusal(node, 'has a bias that is computed, or not one for each output');
  return bias;
}

export const conv: Rule = (node, it) => {
  const weights = weightsOf(node, it);
  if (weights.shape.length !== 4) throw it.refusal(node, 'is no convolution of images');
  const image = it.image(node);
  const [, , channels] = it.sizeOf(image);
  const groups = intOf(node, 'group', 1);
  const [out, , ...kernel] = weights.shape;
  const { strides, dilations, pads, size } = slide(node, it, it.sizeOf(image), kernel);
  const window = {
    strides: pair(strides),
    padding: paddingOf(pads),
    dilations: pair(dilations),
    clip: 'none',
  } as const;
  const isDepthwise = groups === channels && channels > 1;
  const inputs = kernelOf(node, it, image, weights, isDepthwise);
  const made = { label: nodeLabel(node), inputs, ...window };
  it.put(
    node,
    isDepthwise ? { op: 'depthwise', ...made, multiplier: out / channels } : { op: 'conv', ...made, groups },
    [...size, out],
  );
};

/** A dense layer, as a convolution of one pixel. */
export const dense =
  (isTurned: (node: OnnxNode) => boolean): Rule =>
  (node, it) => {
    const matrix = weightsOf(node, it);
    if (matrix.shape.length !== 2) throw it.refusal(node, `has weights [${matrix.shape}], not a matrix`);
    if (!isPlainProduct(node)) throw it.refusal(node, 'is no plain dense layer (alpha, beta or transA)');
    const rows = isTurned(node);
    const [out, each] = rows ? matrix.shape : matrix.shape.toReversed();
    const data = rows ? matrix.data : toStorage(matrix.data, matrix.shape, [1, 0]);
    const image = it.image(node);
    const [height, width, channels] = it.sizeOf(image);
    if (height !== 1 || width !== 1 || channels !== each)
      throw it.refusal(
        node,
        `reads [${height}, ${width}, ${channels}], which its weights [${matrix.shape}] do not fit`,
      );
    const weights = { ...matrix, data, shape: [out, each, 1, 1] };
    const inputs = kernelOf(node, it, image, weights, false);
    it.put(
      node,
      {
        op: 'conv',
        label: nodeLabel(node),
        inputs,
        strides: [1, 1],
        dilations: [1, 1],
        padding: noPadding,
        groups: 1,
        clip: 'none',
      },
      [1, 1, out],
    );
  };
