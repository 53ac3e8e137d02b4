import type { ImageSize } from '../../base/image-pixels.js';
import { product } from '../../base/statistics.js';
import { intOf, intsOf, nodeLabel, reducedAxes, textOf, zerosAround, type OnnxNode } from '../../compiler/index.js';
import { reshaped, transposed } from './lower-axes.js';
import type { GraphValue, Lowering, Rule } from './lower-graph.js';
import { bytes, sameQuantization } from './lower-program.js';
import { isPadded, noPadding, type Padding, type Quantization, type TensorId } from './program.js';
import { conv, dense, paddingOf, pair, slide } from './lower-convolutions.js';
import {
  bounded,
  clip,
  clipped,
  dequantize,
  elementwise,
  hardSigmoid,
  leakyRelu,
  quantize,
  softmax,
} from './lower-functions.js';

/** A constant beside an image: one number, or one a channel. */
function numbersBeside(node: OnnxNode, it: Lowering, name: string, [, , channels]: ImageSize): TensorId {
  const constant = it.constant(name);
  const { builder } = it;
  const label = `${nodeLabel(node)}/constant`;
  const isOfChannels =
    constant?.data.length === channels && (constant.shape.at(-3) === channels || constant.shape.length === 2);
  if (constant === undefined || (constant.data.length !== 1 && !isOfChannels))
    throw it.refusal(node, `has a constant [${constant?.shape}] that is neither one number nor one a channel`);
  const shape = [1, 1, 1, constant.data.length];
  const { data, scales, zero = 0 } = constant;
  if (data instanceof Float32Array) return builder.constant(label, shape, 'float32', data);
  const signed = Int8Array.from(data, (byte) => (data instanceof Uint8Array ? byte - 128 : byte));
  return builder.constant(
    label,
    shape,
    'int8',
    signed,
    bytes(scales?.[0] ?? NaN, data instanceof Uint8Array ? zero - 128 : zero),
  );
}

const isOnePixel = ([height, width]: ImageSize): boolean => height === 1 && width === 1;

/** The x of `x · hardSigmoid(x)`, which is one operator; undefined for other products. */
function swished(it: Lowering, [a, b]: readonly TensorId[]): TensorId | undefined {
  for (const [x, gate] of [
    [a, b],
    [b, a],
  ]) {
    const made = it.builder.producer(gate);
    if (made?.op !== 'elementwise' || made.inputs[0] !== x) continue;
    if (made.function.name === 'hard-sigmoid') return x;
  }
  return undefined;
}

const arithmetic =
  (op: 'add' | 'mul'): Rule =>
  (node, it) => {
    const label = nodeLabel(node);
    const activations = node.inputs.flatMap((name, i) => (it.isActivation(name) ? [i] : []));
    if (activations.length === 2) {
      const [a, b] = activations.map((i) => it.value(node, i));
      const x = op === 'mul' && it.alike(a, b) ? swished(it, [a.tensor, b.tensor]) : undefined;
      if (x !== undefined) {
        it.putAlike(node, { op: 'elementwise', label, inputs: [x], function: { name: 'hard-swish' } }, a);
        return;
      }
    }
    const images = activations.map((i) => it.image(node, i));
    const [first, second] = images.toSorted((a, b) => area(it, b) - area(it, a));
    const size = it.sizeOf(first);
    const other = images.length === 1 ? numbersBeside(node, it, node.inputs[1 - activations[0]], size) : second;
    const beside = it.sizeOf(other);
    const fits = beside.join() === size.join() || (isOnePixel(beside) && (beside[2] === size[2] || beside[2] === 1));
    if (!fits) throw it.refusal(node, `combines images [${size}] and [${beside}]`);
    if (it.isBytes(first) !== it.isBytes(other)) throw it.refusal(node, 'combines bytes and floats');
    it.put(node, { op, label, inputs: [first, other], clip: 'none' }, size);
  };

const area = (it: Lowering, image: TensorId): number => product(it.sizeOf(image));

const mean: Rule = (node, it) => {
  const image = it.image(node);
  it.put(node, { op: 'mean', label: nodeLabel(node), inputs: [image] }, [1, 1, it.sizeOf(image)[2]]);
};

const reduceMean: Rule = (node, it) => {
  if (reducedAxes(it.scope, node, 4) !== '2,3')
    throw it.refusal(node, 'is a mean over other axes than rows and columns');
  mean(node, it);
};

/** Poolings keep the scale of their input; where the file has another one, a change of scale follows. */
function pooled(node: OnnxNode, it: Lowering, op: 'max-pool' | 'average-pool'): void {
  let image = it.image(node);
  const [, , channels] = it.sizeOf(image);
  const { kernel, strides, dilations, pads, size } = slide(node, it, it.sizeOf(image));
  if (dilations.some((one) => one !== 1)) throw it.refusal(node, 'is a pooling with gaps (dilations)');
  if (node.outputs.slice(1).some((name) => name !== '')) throw it.refusal(node, 'also returns indices');
  const label = nodeLabel(node);
  const { name, quantization } = it.builder.tensor(image);
  let padding = paddingOf(pads);
  if (op === 'average-pool' && intOf(node, 'count_include_pad', 0) === 1 && isPadded(padding)) {
    image = padded(it, image, padding, label, `${name}/padded`);
    padding = noPadding;
  }
  const made = { op, label, inputs: [image], size: pair(kernel), strides: pair(strides), padding };
  const wanted = op === 'average-pool' ? it.quantizationFor(node, [image]) : quantization;
  rescaled(node, it, it.put(node, made, [...size, channels], quantization), wanted);
}

/** Changes the scale of a node's result to the one that the file has, if it is another one. */
function rescaled(node: OnnxNode, it: Lowering, own: TensorId, wanted: Quantization | undefined): void {
  const { quantization } = it.builder.tensor(own);
  if (wanted === undefined || quantization === undefined || sameQuantization(wanted, quantization)) return;
  const made = { op: 'elementwise', label: nodeLabel(node), inputs: [own], function: { name: 'rescale' } } as const;
  it.put(node, made, it.sizeOf(own), wanted);
}

function padded(it: Lowering, image: TensorId, padding: Padding, label: string, name: string): TensorId {
  const [height, width, channels] = it.sizeOf(image);
  const { top, left, bottom, right } = padding;
  const shape = [1, height + top + bottom, width + left + right, channels];
  const { quantization } = it.builder.tensor(image);
  return it.builder.emit({ op: 'pad', label, inputs: [image], padding }, { name, shape, quantization });
}

const pad: Rule = (node, it) => {
  const pads = zerosAround(it.scope, node);
  if (pads === undefined) throw it.refusal(node, 'pads with other than zeros around the image');
  const image = it.image(node);
  const tensor = padded(it, image, paddingOf(pads), nodeLabel(node), node.outputs[0]);
  it.keepImage(node.outputs[0], tensor);
};

const concat: Rule = (node, it) => {
  const images = node.inputs.map((_, i) => it.image(node, i));
  const sizes = images.map((image) => it.sizeOf(image));
  const [[height, width]] = sizes;
  const rank = it.value(node).placement.axes.length;
  const axis = intOf(node, 'axis', 0);
  if ((axis < 0 ? axis + rank : axis) !== 1)
    throw it.refusal(node, 'joins images along another axis than the channels');
  const quantization = it.quantizationFor(node, images);
  const label = nodeLabel(node);
  const inputs = images.map((image) => {
    const { name, shape, quantization: own } = it.builder.tensor(image);
    if (quantization === undefined || own === undefined || sameQuantization(own, quantization)) return image;
    return it.builder.emit(
      { op: 'elementwise', label, inputs: [image], function: { name: 'rescale' } },
      { name: `${name}/rescaled`, shape, quantization },
    );
  });
  const channels = sizes.reduce((sum, size) => sum + size[2], 0);
  it.put(node, { op: 'concat', label, inputs }, [height, width, channels], quantization);
};

/** Parts of the channels, one for each output. */
function parts(node: OnnxNode, it: Lowering, cuts: readonly (readonly [from: number, channels: number])[]): void {
  const image = it.image(node);
  const [height, width] = it.sizeOf(image);
  const { quantization } = it.builder.tensor(image);
  for (const [i, [from, channels]] of cuts.entries())
    it.put(
      { ...node, outputs: [node.outputs[i]] },
      { op: 'slice', label: nodeLabel(node), inputs: [image], from },
      [height, width, channels],
      quantization,
    );
}

const otherAxis = 'cuts another axis than the channels';

/** Nearest neighbours at twice the size. */
const resize: Rule = (node, it) => {
  const image = it.image(node);
  const [height, width, channels] = it.sizeOf(image);
  const [, depth, ...sides] = it.shapeOf(node, node.outputs[0]);
  const isNearest = textOf(node, 'mode', 'nearest') === 'nearest' && textOf(node, 'nearest_mode', '') === 'floor';
  const isAsymmetric = textOf(node, 'coordinate_transformation_mode', '') === 'asymmetric';
  if (!isNearest || !isAsymmetric || depth !== channels || sides.join() !== `${2 * height},${2 * width}`)
    throw it.refusal(node, 'resizes an image in another way than to twice its size by nearest neighbours');
  doubled(node, it, image, [2 * height, 2 * width]);
};

/** Keeps the scale of its input; where the file has another one, a change of scale follows. */
function doubled(node: OnnxNode, it: Lowering, image: TensorId, [height, width]: readonly [number, number]): void {
  const { quantization } = it.builder.tensor(image);
  const result: ImageSize = [height, width, it.sizeOf(image)[2]];
  const own = it.put(node, { op: 'upsample', label: nodeLabel(node), inputs: [image] }, result, quantization);
  const wanted = it.written(node.outputs[0]);
  rescaled(node, it, own, wanted && bytes(wanted.scale, wanted.zero));
}

/** Leaves out the last row or column of an image of twice the size, of which nothing else is read. */
function cropped(node: OnnxNode, it: Lowering, axes: readonly number[], starts: readonly number[]): boolean {
  const image = it.image(node);
  const made = it.builder.producer(image);
  const [, , ...sides] = it.shapeOf(node, node.outputs[0]);
  const isCrop = axes.every((axis) => axis === 2 || axis === 3) && starts.every((start) => start === 0);
  if (!isCrop || made?.op !== 'upsample') return false;
  const [height, width] = it.sizeOf(made.inputs[0]);
  if (sides[0] < 2 * height - 1 || sides[1] < 2 * width - 1) return false;
  doubled(node, it, made.inputs[0], [sides[0], sides[1]]);
  return true;
}

const slice: Rule = (node, it) => {
  const [starts, ends, axes, steps] = [1, 2, 3, 4].map((i) => (node.inputs[i] ? it.numbers(node.inputs[i]) : null));
  const isWhole = (steps ?? []).every((step) => step === 1);
  if (isWhole && starts !== null && cropped(node, it, axes ?? [...starts.keys()], starts)) return;
  if (starts?.length !== 1 || ends?.length !== 1 || (axes ?? [0])[0] !== 1 || !isWhole)
    throw it.refusal(node, otherAxis);
  const channels = it.sizeOf(it.image(node))[2];
  const at = (place: number): number => Math.min(channels, Math.max(0, place < 0 ? place + channels : place));
  parts(node, it, [[at(starts[0]), at(ends[0]) - at(starts[0])]]);
};

const split: Rule = (node, it) => {
  if (intOf(node, 'axis', 0) !== 1) throw it.refusal(node, otherAxis);
  let from = 0;
  const cuts = node.outputs.map((name) => {
    const channels = it.shapeOf(node, name)[1];
    from += channels;
    return [from - channels, channels] as const;
  });
  parts(node, it, cuts);
};

const same: Rule = (node, it) => it.same(node, it.value(node));

function moved(node: OnnxNode, it: Lowering, placement: GraphValue['placement'] | undefined): void {
  if (placement === undefined)
    throw it.refusal(
      node,
      'moves numbers between rows, columns and channels',
      'Networks of images and vectors have such programs; deploy the ONNX file.',
    );
  it.same(node, { ...it.value(node), placement });
}

const reshape: Rule = (node, it) =>
  moved(node, it, reshaped(it.value(node).placement, it.shapeOf(node, node.outputs[0])));

const transpose: Rule = (node, it) => {
  const { placement } = it.value(node);
  moved(node, it, transposed(placement, intsOf(node, 'perm') ?? [...placement.axes.keys()].reverse()));
};

/** What becomes of each operator of a prepared graph (see `prepare`) and of int8 files; all others are refused. */
export const lowerings: Readonly<Record<string, Rule>> = {
  Add: arithmetic('add'),
  AveragePool: (node, it) => pooled(node, it, 'average-pool'),
  Clip: clip,
  Concat: concat,
  Conv: conv,
  DequantizeLinear: dequantize,
  Flatten: reshape,
  Gemm: dense((node) => intOf(node, 'transB', 0) === 1),
  GlobalAveragePool: mean,
  HardSigmoid: hardSigmoid,
  Identity: same,
  LeakyRelu: leakyRelu,
  MatMul: dense(() => false),
  MaxPool: (node, it) => pooled(node, it, 'max-pool'),
  Mul: arithmetic('mul'),
  Pad: pad,
  QuantizeLinear: quantize,
  ReduceMean: reduceMean,
  Relu: (node, it) => clipped(node, it, 'relu'),
  Resize: resize,
  Reshape: reshape,
  Sigmoid: (node, it) => elementwise(node, it, { name: 'sigmoid' }, bounded.sigmoid),
  Slice: slice,
  Softmax: softmax,
  Split: split,
  Squeeze: reshape,
  Tanh: (node, it) => elementwise(node, it, { name: 'tanh' }, bounded.tanh),
  Transpose: transpose,
  Unsqueeze: reshape,
};
