import { int, range, type OnnxOp } from '../../graph/index.js';
import type { Rewrite, Writer } from './writer.js';

const zero = (w: Writer): string => w.number(0, 'int32');

export const negation: Rewrite = (w) => [w.emit('Sub', [zero(w), w.node.inputs[0]])];

export const absolute: Rewrite = (w) => {
  const [x] = w.node.inputs;
  return [w.emit('Max', [x, w.emit('Sub', [zero(w), x])])];
};

export const bounds: Rewrite = (w) => {
  const [x, low, high] = w.node.inputs;
  return [w.emit('Min', [w.emit('Max', [x, low]), high])];
};

/** (x > 0) - (x < 0) */
export const sign: Rewrite = (w) => {
  const [x] = w.node.inputs;
  const dtype = w.typeOf(x).dtype === 'int32' ? 'int32' : 'float32';
  const [above, below] = (['Greater', 'Less'] as const).map((op) => w.cast(w.emit(op, [x, w.number(0, dtype)]), dtype));
  return [w.emit('Sub', [above, below])];
};

/** The remainder with the sign of the divisor; integers are divided towards zero. */
export const remainder: Rewrite = (w) => {
  const [a, b] = w.node.inputs;
  const rest = w.emit('Sub', [a, w.emit('Mul', [w.emit('Div', [a, b]), b])]);
  const [restBelow, divisorBelow] = [rest, b].map((x) => w.cast(w.emit('Less', [x, zero(w)]), 'int32'));
  const differ = w.emit('Not', [w.emit('Equal', [restBelow, divisorBelow])]);
  const wrong = w.emit('And', [differ, w.emit('Not', [w.emit('Equal', [rest, zero(w)])])]);
  return [w.emit('Add', [rest, w.emit('Mul', [w.cast(wrong, 'int32'), b])])];
};

/** Cuts out what lies at constant positions of some axes: a gathering along each. */
export const byGathering: Rewrite = (w) => {
  const [x, ...bounds] = w.node.inputs;
  const { shape } = w.typeOf(x);
  const [starts, ends, axes, steps] = bounds.map((name) => w.numbers(name));
  let cut = x;
  for (const [i, given] of axes.entries()) {
    const axis = given < 0 ? given + shape.length : given;
    const size = shape[axis];
    if (!w.isFixed(size)) return null;
    const step = bounds.length > 3 ? steps[i] : 1;
    const clamp = (at: number): number => {
      const position = at < 0 ? at + size : at;
      return step > 0 ? Math.min(Math.max(position, 0), size) : Math.min(Math.max(position, -1), size - 1);
    };
    const [from, to] = [clamp(starts[i]), clamp(ends[i])];
    const kept = range(Math.max(0, Math.ceil((to - from) / step))).map((k) => from + k * step);
    cut = w.emit('Gather', [cut, w.constant(kept, [kept.length], 'int32')], { axis: int(axis) });
  }
  return [cut];
};

/** Operators whose results are positions along an axis. */
const positioning: ReadonlySet<OnnxOp> = new Set<OnnxOp>(['ArgMax', 'ArgMin', 'TopK']);

/** Numbers of int64 as int32: from where they come; null where that is not known. */
function narrowed(w: Writer, name: string): string | null {
  const constant = w.constantOf(name);
  if (constant) return w.constant(Array.from(constant.data, Number), constant.shape, 'int32');
  const producer = w.producer(name);
  if (producer?.op === 'Cast') {
    const [source] = producer.inputs;
    return w.typeOf(source).dtype === 'int32' ? source : w.cast(source, 'int32');
  }
  if (producer === undefined || !positioning.has(producer.op)) return null;
  // There is no cast from int64, but a gathering takes it: of the numbers from 0 on, it gives the positions.
  const { shape } = w.typeOf(producer.inputs[0]);
  const axis = producer.attributes['axis'];
  const length = shape.at(axis?.kind === 'int' ? axis.value : 0);
  if (length === undefined || !w.isFixed(length)) return null;
  return w.emit('Gather', [w.constant(range(length), [length], 'int32'), name], { axis: int(0) });
}

/** The operator on int32 instead of int64; shapes and axes stay as they are. */
export const inInt32: Rewrite = (w) => {
  const { op, inputs, outputs, attributes } = w.node;
  const operands = op === 'Mul' ? inputs.length : 1;
  const numbers = inputs.map((name, i) => (i < operands ? narrowed(w, name) : name));
  if (!numbers.every((name) => name !== null)) return null;
  const { dtype } = w.typeOf(outputs[0]);
  if (op !== 'Cast') return [w.cast(w.emit(op, numbers, attributes), 'int64')];
  return dtype === 'int32' ? numbers : [w.cast(numbers[0], dtype)];
};
