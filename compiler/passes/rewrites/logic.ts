import type { Rewrite, Writer } from './writer.js';

const not = (w: Writer, x: string): string => w.emit('Not', [x]);
const and = (w: Writer, a: string, b: string): string => w.emit('And', [a, b]);
const either = (w: Writer, a: string, b: string): string => not(w, and(w, not(w, a), not(w, b)));

export const or: Rewrite = (w) => {
  const [a, b] = w.node.inputs;
  return [either(w, a, b)];
};

export const exclusiveOr: Rewrite = (w) => {
  const [a, b] = w.node.inputs;
  return [and(w, either(w, a, b), not(w, and(w, a, b)))];
};

export const isNotANumber: Rewrite = (w) => {
  const [x] = w.node.inputs;
  return [not(w, w.emit('Equal', [x, x]))];
};

export const isInfinite: Rewrite = (w) => [w.emit('Equal', [w.emit('Abs', [w.node.inputs[0]]), w.number(Infinity)])];

/** The operator on 0 and 1 instead of booleans; its other operands, such as conditions and positions, stay as they are. */
export const withNumbers: Rewrite = (w) => {
  const { op, inputs, attributes, outputs } = w.node;
  const first = op === 'Where' ? 1 : 0;
  const last = op === 'Where' || op === 'Concat' ? inputs.length : 1;
  const numbers = inputs.map((name, i) => (i >= first && i < last ? w.cast(name, 'float32') : name));
  return w.emitAll(op, numbers, attributes, outputs.length).map((name) => w.cast(name, 'bool'));
};
