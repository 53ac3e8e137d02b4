import { floatOf, intOf, intsOf, nodeLabel, textOf, toStorage, windowOf, type OnnxNode } from '../../compiler/index.js';
import { reshaped, transposed, type ImageSize } from './lower-axes.js';
import type { GraphConstant, Lowering, GraphValue } from './lower-graph.js';
import { bytes, sameQuantization } from './lower-program.js';
import type { Clipping, Elementwise, Padding, Pair, Quantization, TensorId } from './program.js';

/** Adds to the program what a node computes. */
type Rule = (node: OnnxNode, it: Lowering) => void;

/** Bytes of functions with bounded results, as TFLite's kernels have them. */
const bounded: { readonly [K in 'sigmoid' | 'tanh' | 'softmax']: Quantization } = {
  sigmoid: bytes(1 / 256, -128),
  tanh: bytes(1 / 128, 0),
  softmax: bytes(1 / 256, -128),
};

const noPadding: Padding = { top: 0, left: 0, bottom: 0, right: 0 };
const isPadded = (padding: Padding): boolean => Object.values(padding).some((size) => size !== 0);
const paddingOf = ([top, left, bottom, right]: readonly number[]): Padding => ({ top, left, bottom, right });

const isWhole = (value: number): boolean => Number.isInteger(value) && value >= 1;

/** The window of a node on an image, and the image after it. */
function slide(node: OnnxNode, it: Lowering, [height, width]: ImageSize, kernel?: readonly number[]) {
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

const pair = ([vertical, horizontal]: readonly number[]): Pair => [vertical, horizontal];

/** Weights [out, in / groups, height, width] as TFLite has them, and the bias. */
function kernelOf(
  node: OnnxNode,
  it: Lowering,
  image: TensorId,
  weights: GraphConstant,
  bias: GraphConstant | undefined,
  isDepthwise: boolean,
) {
  const { builder } = it;
  const label = nodeLabel(node);
  const [out, each, height, width] = weights.shape;
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

const conv: Rule = (node, it) => {
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
  const inputs = kernelOf(node, it, image, weights, biasOf(node, it, out), isDepthwise);
  const made = { label: nodeLabel(node), inputs, ...window };
  it.put(
    node,
    isDepthwise ? { op: 'depthwise', ...made, multiplier: out / channels } : { op: 'conv', ...made, groups },
    [...size, out],
  );
};

/** A dense layer, as a convolution of one pixel. */
const dense =
  (isTurned: (node: OnnxNode) => boolean): Rule =>
  (node, it) => {
    const matrix = weightsOf(node, it);
    if (matrix.shape.length !== 2) throw it.refusal(node, `has weights [${matrix.shape}], not a matrix`);
    if (floatOf(node, 'alpha', 1) !== 1 || floatOf(node, 'beta', 1) !== 1 || intOf(node, 'transA', 0) !== 0)
      throw it.refusal(node, 'is no plain dense layer (alpha, beta or transA)');
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
    const inputs = kernelOf(node, it, image, weights, biasOf(node, it, out), false);
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

/** A function of each number; in bytes, its result has the scale of the file, or the one that the function has. */
function elementwise(node: OnnxNode, it: Lowering, what: Elementwise, quantization?: Quantization): void {
  const value = it.value(node);
  const operator = { op: 'elementwise', label: nodeLabel(node), inputs: [value.tensor], function: what } as const;
  if (quantization !== undefined && it.isBytes(value.tensor)) it.putAlike(node, operator, value, quantization);
  else it.putAlike(node, operator, value);
}

/** Bounds: of the operator before where nothing else reads it, else an operator. */
function clipped(node: OnnxNode, it: Lowering, clip: Exclude<Clipping, 'none'>): void {
  const value = it.value(node);
  const isAlone = it.isReadOnce(node.inputs[0]) && it.madeBy(value.tensor) === node.inputs[0];
  if (isAlone && !it.isBytes(value.tensor) && it.builder.clip(value.tensor, clip)) it.same(node, value);
  else elementwise(node, it, { name: clip });
}

const clip: Rule = (node, it) => {
  const bound = (name: string | undefined, open: number) => (name ? (it.constant(name)?.data[0] ?? NaN) : open);
  const bounds = [bound(node.inputs[1], -Infinity), bound(node.inputs[2], Infinity)];
  if (bounds[0] === 0 && bounds[1] === 6) clipped(node, it, 'relu6');
  else if (bounds[0] === 0 && bounds[1] === Infinity) clipped(node, it, 'relu');
  else throw it.refusal(node, `clips to [${bounds}]; programs clip to [0, 6] or [0, ∞]`, 'Use relu or relu6.');
};

/** The hard sigmoid of MobileNetV3, clip(x / 6 + 1 / 2, 0, 1). */
const isUsual = (alpha: number, beta: number): boolean => Math.abs(alpha - 1 / 6) < 1e-5 && Math.abs(beta - 0.5) < 1e-3;

const otherSlope = 'is a hard sigmoid of another slope than clip(x / 6 + 1 / 2, 0, 1)';

const hardSigmoid: Rule = (node, it) => {
  if (!isUsual(floatOf(node, 'alpha', 0.2), floatOf(node, 'beta', 0.5))) throw it.refusal(node, otherSlope);
  elementwise(node, it, { name: 'hard-sigmoid' });
};

/** The node that reads the bytes of a QuantizeLinear of a value at another scale: these bytes are a gate's. */
const leakyRelu: Rule = (node, it) => {
  const slope = floatOf(node, 'alpha', 0.01);
  // Bytes that are read at another scale: DequantizeLinear makes a hard sigmoid of the value itself.
  if (slope === 1 && it.isGate(node.outputs[0])) it.same(node, it.value(node));
  else elementwise(node, it, slope === 1 ? { name: 'rescale' } : { name: 'leaky-relu', slope });
};

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

/** `x · gate(x)` as one operator, where the target has it; undefined for other products. */
function compound(
  it: Lowering,
  [a, b]: readonly TensorId[],
): readonly [x: TensorId, function_: Elementwise] | undefined {
  for (const [x, gate] of [
    [a, b],
    [b, a],
  ]) {
    const made = it.builder.producer(gate);
    if (made?.op !== 'elementwise' || made.inputs[0] !== x) continue;
    if (made.function.name === 'hard-sigmoid' && it.compounds.has('hard-swish')) return [x, { name: 'hard-swish' }];
    if (made.function.name === 'sigmoid' && it.compounds.has('swish')) return [x, { name: 'swish' }];
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
      const found = op === 'mul' && it.alike(a, b) ? compound(it, [a.tensor, b.tensor]) : undefined;
      if (found !== undefined) {
        const [x, what] = found;
        it.putAlike(node, { op: 'elementwise', label, inputs: [x], function: what }, a);
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

const area = (it: Lowering, image: TensorId): number => it.sizeOf(image).reduce((product, size) => product * size, 1);

const mean: Rule = (node, it) => {
  const image = it.image(node);
  it.put(node, { op: 'mean', label: nodeLabel(node), inputs: [image] }, [1, 1, it.sizeOf(image)[2]]);
};

const reduceMean: Rule = (node, it) => {
  const axes = intsOf(node, 'axes') ?? it.numbers(node.inputs[1] ?? '') ?? [];
  if (
    axes
      .map((axis) => (axis < 0 ? axis + 4 : axis))
      .toSorted()
      .join() !== '2,3'
  )
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
  const result: ImageSize = [...size, channels];
  const own = it.put(node, made, result, quantization);
  if (wanted !== undefined && quantization !== undefined && !sameQuantization(wanted, quantization))
    it.put(node, { op: 'elementwise', label, inputs: [own], function: { name: 'rescale' } }, result, wanted);
}

function padded(it: Lowering, image: TensorId, padding: Padding, label: string, name: string): TensorId {
  const [height, width, channels] = it.sizeOf(image);
  const { top, left, bottom, right } = padding;
  const shape = [1, height + top + bottom, width + left + right, channels];
  const { quantization } = it.builder.tensor(image);
  return it.builder.emit({ op: 'pad', label, inputs: [image], padding }, { name, shape, quantization });
}

const pad: Rule = (node, it) => {
  const pads = intsOf(node, 'pads') ?? it.numbers(node.inputs[1] ?? '');
  const isZero = !node.inputs[2] || it.constant(node.inputs[2])?.data.every((one: number) => one === 0) === true;
  const isPlain = textOf(node, 'mode', 'constant') === 'constant' && isZero && !node.inputs[3];
  if (!isPlain || pads?.length !== 8 || [0, 1, 4, 5].some((i) => pads[i] !== 0) || pads.some((one) => one < 0))
    throw it.refusal(node, 'pads with other than zeros around the image');
  const image = it.image(node);
  const tensor = padded(it, image, paddingOf([2, 3, 6, 7].map((i) => pads[i])), nodeLabel(node), node.outputs[0]);
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

const slice: Rule = (node, it) => {
  const [starts, ends, axes, steps] = [1, 2, 3, 4].map((i) => (node.inputs[i] ? it.numbers(node.inputs[i]) : null));
  if (starts?.length !== 1 || ends?.length !== 1 || (axes ?? [0])[0] !== 1 || (steps ?? [1])[0] !== 1)
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

const softmax: Rule = (node, it) => {
  const value = it.value(node);
  const axis = intOf(node, 'axis', -1);
  const rank = value.placement.axes.length;
  if ((axis < 0 ? axis + rank : axis) !== 1 && value.placement.axes.flat().length > 1)
    throw it.refusal(node, 'is a softmax over another axis than the classes');
  const operator = { op: 'softmax', label: nodeLabel(node), inputs: [value.tensor] } as const;
  it.putAlike(node, operator, value, it.isBytes(value.tensor) ? bounded.softmax : undefined);
};

const quantize: Rule = (node, it) => {
  const value = it.value(node);
  if (it.isBytes(value.tensor)) {
    it.same(node, value);
    return;
  }
  const { scale, zero } = it.scalingOf(node);
  const operator = { op: 'quantize', label: nodeLabel(node), inputs: [value.tensor] } as const;
  it.putAlike(node, operator, value, bytes(scale, zero));
};

const dequantize: Rule = (node, it) => {
  const [x] = node.inputs;
  if (!it.isActivation(x)) {
    it.readBytes(node);
    return;
  }
  const value = it.value(node);
  const [written, read] = [it.writtenAs(x), it.scalingOf(node)];
  if (written === undefined || (written.scale === read.scale && written.zero === read.zero)) {
    it.same(node, value);
    return;
  }
  // Written as x, read as clip(alpha x + beta, 0, 1).
  const isGate = read.zero === -128 && isUsual(read.scale / written.scale, (written.zero + 128) * read.scale);
  if (!isGate) throw it.refusal(node, otherSlope);
  const operator = {
    op: 'elementwise',
    label: nodeLabel(node),
    inputs: [value.tensor],
    function: { name: 'hard-sigmoid' },
  } as const;
  it.putAlike(node, operator, value, bytes(read.scale, read.zero));
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
