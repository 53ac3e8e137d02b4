import {
  float,
  floatOf,
  int,
  intOf,
  intsOf,
  isFixed,
  type OnnxOp,
  range,
  sizeOf,
  sliced,
  string,
} from '../graph/index.js';
import type { OperatorRewrite, OperatorWriter } from './writer.js';

/**
 * Batch normalisation in training by reductions: y = (x - mean) * gamma / sqrt(variance + epsilon) + beta. The sum goes over
 * the pixels first, which lie side by side, then over the images.
 */
export const trainingBatchNorm: OperatorRewrite = (w) => {
  const [x, gamma, beta] = w.node.inputs;
  const [, channels, ...spatial] = w.typeOf(x).shape;
  const mean = (name: string): string => {
    const pixels = sizeOf(spatial);
    const rows = pixels === 1 ? w.reshape(name, [0, channels]) : w.reshape(name, [0, channels, pixels]);
    return w.reduce('ReduceMean', pixels === 1 ? rows : w.reduce('ReduceMean', rows, [2], false), [0], false);
  };
  const overImages = (vector: string): string =>
    w.reshape(vector, [1, channels, ...range(spatial.length).map(() => 1)]);
  const average = mean(x);
  const centred = w.emit('Sub', [x, overImages(average)]);
  const variance = mean(w.emit('Mul', [centred, centred]));
  const deviation = w.emit('Sqrt', [w.emit('Add', [variance, w.number(floatOf(w.node, 'epsilon', 1e-5))])]);
  const factor = w.emit('Mul', [gamma, w.emit('Reciprocal', [deviation])]);
  const y = w.emit('Add', [w.emit('Mul', [centred, overImages(factor)]), overImages(beta)]);
  return [y, average, variance];
};

/** A transposed convolution with a second filter of zeros in each group, of which every second channel is kept. */
export const twoFiltersInGroup: OperatorRewrite = (w) => {
  const { inputs, outputs, attributes } = w.node;
  const [images, filter] = inputs;
  const filters = w.emit('Pad', [filter, w.integers([0, 0, 0, 0, 0, 1, 0, 0])]);
  const both = w.emit('ConvTranspose', [images, filters], attributes);
  const [, channels] = w.typeOf(outputs[0]).shape;
  const [starts, ends, axes, steps] = [[0], [2 * channels], [1], [2]].map((numbers) => w.integers(numbers));
  return [w.emit('Slice', [both, starts, ends, axes, steps])];
};

/** x - max - log(sum(exp(x - max))), along one axis. */
export const logSoftmax: OperatorRewrite = (w) => {
  const [x] = w.node.inputs;
  const axis = [intOf(w.node, 'axis', -1)];
  const lower = w.emit('Sub', [x, w.reduce('ReduceMax', x, axis, true)]);
  return [w.emit('Sub', [lower, w.emit('Log', [w.reduce('ReduceSum', w.emit('Exp', [lower]), axis, true)])])];
};

/** Rounds to the nearest whole number, ties to even. */
export const rounding: OperatorRewrite = (w) => {
  const [x] = w.node.inputs;
  const low = w.emit('Floor', [x]);
  const rest = w.emit('Sub', [x, low]);
  const half = w.emit('Floor', [w.emit('Mul', [low, w.number(0.5)])]);
  const odd = w.emit('Sub', [low, w.emit('Add', [half, half])]);
  const above = w.cast(w.emit('Greater', [rest, w.number(0.5)]), 'float32');
  const up = w.emit('Where', [w.emit('Equal', [rest, w.number(0.5)]), odd, above]);
  return [w.emit('Add', [low, up])];
};

/** scale * elu(x), with the constants of Klambauer et al. 2017 as ONNX has them. */
export const scaledExponential: OperatorRewrite = (w) => {
  const exponential = w.emit('Elu', [w.node.inputs[0]], { alpha: float(1.67326319217681884765625) });
  return [w.emit('Mul', [exponential, w.number(1.05070102214813232421875)])];
};

/** x * sigmoid(alpha * x) */
export const swish: OperatorRewrite = (w) => {
  const [x] = w.node.inputs;
  return [w.emit('Mul', [x, w.emit('Sigmoid', [w.emit('Mul', [x, w.number(floatOf(w.node, 'alpha', 1.702))])])])];
};

const zero = (w: OperatorWriter): string => w.number(0, 'int32');

export const negation: OperatorRewrite = (w) => [w.emit('Sub', [zero(w), w.node.inputs[0]])];

export const absolute: OperatorRewrite = (w) => {
  const [x] = w.node.inputs;
  return [w.emit('Max', [x, w.emit('Sub', [zero(w), x])])];
};

export const bounds: OperatorRewrite = (w) => {
  const [x, low, high] = w.node.inputs;
  return [w.emit('Min', [w.emit('Max', [x, low]), high])];
};

/** (x > 0) - (x < 0) */
export const sign: OperatorRewrite = (w) => {
  const [x] = w.node.inputs;
  const dtype = w.typeOf(x).dtype === 'int32' ? 'int32' : 'float32';
  const [above, below] = (['Greater', 'Less'] as const).map((op) => w.cast(w.emit(op, [x, w.number(0, dtype)]), dtype));
  return [w.emit('Sub', [above, below])];
};

/** Cuts out constant positions of some axes by a Gather along each axis. */
export const byGathering: OperatorRewrite = (w) => {
  const [x, ...slice] = w.node.inputs;
  const { shape } = w.typeOf(x);
  const [starts, ends, axes, steps] = slice.map((name) => w.numbers(name));
  let cut = x;
  for (const [i, given] of axes.entries()) {
    const axis = given < 0 ? given + shape.length : given;
    const size = shape[axis];
    if (!isFixed(size)) return null;
    const step = slice.length > 3 ? steps[i] : 1;
    const { first, count } = sliced(size, starts[i], ends[i], step);
    const kept = range(count).map((k) => first + k * step);
    cut = w.emit('Gather', [cut, w.constant(kept, [kept.length], 'int32')], { axis: int(axis) });
  }
  return [cut];
};

/** Operators whose results are positions along an axis. */
const positioning: ReadonlySet<OnnxOp> = new Set<OnnxOp>(['ArgMax', 'ArgMin', 'TopK']);

/** Numbers of int64 as int32, found at their source; null where the source is not known. */
function narrowed(w: OperatorWriter, name: string): string | null {
  const constant = w.constantOf(name);
  if (constant) return w.constant(Array.from(constant.data, Number), constant.shape, 'int32');
  const producer = w.producer(name);
  if (producer?.op === 'Cast') {
    const [source] = producer.inputs;
    return w.typeOf(source).dtype === 'int32' ? source : w.cast(source, 'int32');
  }
  if (producer === undefined || !positioning.has(producer.op)) return null;
  // There is no cast from int64, but Gather takes int64 positions: gathering from 0, 1, 2 ... gives them as int32.
  const { shape } = w.typeOf(producer.inputs[0]);
  const length = shape.at(intOf(producer, 'axis', 0));
  if (length === undefined || !isFixed(length)) return null;
  return w.emit('Gather', [w.constant(range(length), [length], 'int32'), name], { axis: int(0) });
}

/** The operator on int32 instead of int64; shapes and axes stay as they are. */
export const inInt32: OperatorRewrite = (w) => {
  const { op, inputs, outputs, attributes } = w.node;
  const operands = op === 'Mul' ? inputs.length : 1;
  const numbers = inputs.map((name, i) => (i < operands ? narrowed(w, name) : name));
  if (!numbers.every((name) => name !== null)) return null;
  const { dtype } = w.typeOf(outputs[0]);
  if (op !== 'Cast') return [w.cast(w.emit(op, numbers, attributes), 'int64')];
  return dtype === 'int32' ? numbers : [w.cast(numbers[0], dtype)];
};

/** By de Morgan's law. */
export const or: OperatorRewrite = (w) => {
  const [a, b] = w.node.inputs.map((x) => w.emit('Not', [x]));
  return [w.emit('Not', [w.emit('And', [a, b])])];
};

/** The operator on 0 and 1 instead of booleans; other operands, such as conditions and positions, stay as they are. */
export const withNumbers: OperatorRewrite = (w) => {
  const { op, inputs, attributes, outputs } = w.node;
  const first = op === 'Where' ? 1 : 0;
  const last = op === 'Where' || op === 'Concat' ? inputs.length : 1;
  const numbers = inputs.map((name, i) => (i >= first && i < last ? w.cast(name, 'float32') : name));
  return w.emitAll(op, numbers, attributes, outputs.length).map((name) => w.cast(name, 'bool'));
};

/** Less than all numbers. */
const lowest = -3.4028234663852886e38;

/**
 * Max pooling with the positions of the maxima: each place of the window is a map cut from the padded images; the first map
 * that has the maximum gives the position.
 */
export const positionInWindow: OperatorRewrite = (w) => {
  const [x] = w.node.inputs;
  const [images, channels, height, width] = w.typeOf(x).shape;
  const [outHeight, outWidth] = w.typeOf(w.node.outputs[0]).shape.slice(2);
  if (!isFixed(images)) return null;
  const [rows, columns] = intsOf(w.node, 'kernel_shape') ?? [];
  const [down, right] = intsOf(w.node, 'strides') ?? [1, 1];
  const [top, left, bottom, after] = intsOf(w.node, 'pads') ?? [0, 0, 0, 0];
  const pads = w.integers([0, 0, top, left, 0, 0, bottom, after]);
  const padded = w.emit('Pad', [x, pads, w.number(lowest)], { mode: string('constant') });
  const maps = range(rows * columns).map((i) => {
    const from = [Math.floor(i / columns), i % columns];
    const to = [from[0] + (outHeight - 1) * down + 1, from[1] + (outWidth - 1) * right + 1];
    return w.emit('Slice', [padded, ...[from, to, [2, 3], [down, right]].map((numbers) => w.integers(numbers))]);
  });
  const largest = maps.reduce((a, b) => w.emit('Max', [a, b]));
  // Position = the window's corner in the image + the place in the window; the first place is written last and wins.
  const place = maps
    .map((map, i) => ({ map, offset: Math.floor(i / columns) * width + (i % columns) }))
    .reduceRight(
      (found, { map, offset }) => {
        const here = w.emit('Equal', [map, largest]);
        return w.emit('Where', [here, w.number(offset, 'int32'), found]);
      },
      w.number(0, 'int32'),
    );
  const corners = range(outHeight).flatMap((i) =>
    range(outWidth).map((j) => (i * down - top) * width + j * right - left),
  );
  const starts = range(images * channels).map((i) => i * height * width);
  const inImage = w.emit('Add', [place, w.constant(corners, [outHeight, outWidth], 'int32')]);
  const positions = w.emit('Add', [inImage, w.constant(starts, [images, channels, 1, 1], 'int32')]);
  return [largest, w.cast(positions, 'int64')];
};
