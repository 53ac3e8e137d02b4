/** Rules that remove nodes without effect, and give each expression one form. */
import {
  elementTypes,
  float,
  floatOf,
  intOf,
  ints,
  intsOf,
  isFixed,
  rulesFor,
  toStorage,
} from '../../../compiler/index.js';
import type { NewNode, OnnxNode, Shape } from '../../../compiler/index.js';
import { named, type Editor, type Replace, type Rules } from './values.js';

/** Whether a node returns its first input unchanged. */
type Condition = (...node: Parameters<Replace>) => boolean;

/** The same sizes, all known; open sizes of the same name are the same. */
const keepsShape: Condition = ({ inputs, outputs }, { editor }) => {
  const [before, after] = [editor.shape(inputs[0]), editor.shape(outputs[0])];
  return before?.length === after?.length && before?.every((size, i) => size === after?.[i]) === true;
};

/** Arithmetic with a constant that changes neither values nor shape. */
const neutral =
  (value: number): Condition =>
  (node, match) =>
    match.editor.floats(node.inputs[1])?.every((each) => each === value) === true && keepsShape(node, match);

/** In training mode, which is an input that files for inference leave out or set to false, dropout does something. */
const isInferenceDropout: Condition = ({ inputs, outputs }, { editor }) => {
  const training = inputs[2] ? editor.constant(inputs[2])?.data.every((byte: number | bigint) => !byte) : true;
  return training === true && outputs.slice(1).every((mask) => editor.consumers(mask).length === 0);
};

const conditions: Readonly<Record<string, Condition>> = {
  Add: neutral(0),
  Cast: (node, { editor }) =>
    intOf(node, 'to', 0) === elementTypes.float32.code && editor.type(node.inputs[0])?.dtype === 'float32',
  Clip: ({ inputs }) => !inputs[1] && !inputs[2],
  Concat: ({ inputs }) => inputs.length === 1,
  Dropout: isInferenceDropout,
  Flatten: keepsShape,
  GlobalAveragePool: keepsShape,
  Identity: () => true,
  Mul: neutral(1),
  Pad: ({ inputs }, { editor }) => editor.numbers(inputs[1])?.every((pad) => pad === 0) ?? false,
  Reshape: keepsShape,
  Squeeze: keepsShape,
  Sum: ({ inputs }) => inputs.length === 1,
  Transpose: (node) => intsOf(node, 'perm')?.every((axis, i) => axis === i) ?? false,
};

/** Removes nodes without effect. */
export const needless: Rules = Object.entries(conditions).map(([op, isNeedless]) => ({
  match: [op],
  replace: (node, match) => (isNeedless(node, match) ? { value: node.inputs[0] } : null),
}));

/**
 * A target of Reshape as a constant: open sizes that stay where they are become 0, another one becomes -1.
 * @returns undefined where more than one would be open
 */
function constantTarget(target: Shape, x: Shape | undefined): number[] | undefined {
  const fixed = target.map((size, i) => {
    if (isFixed(size)) return size;
    return x?.[i] === size ? 0 : -1;
  });
  return fixed.filter((size) => size === -1).length > 1 ? undefined : fixed;
}

const staticReshape: Replace = (node, { editor }) => {
  const [x, target] = node.inputs;
  if (editor.constant(target) || intOf(node, 'allowzero', 0) !== 0) return null;
  const values = editor.numbers(target);
  // The rank must be known too: one number may stand for a vector of unknown length.
  const fixed = values && editor.shape(target)?.length === 1 ? constantTarget(values, editor.shape(x)) : undefined;
  if (fixed === undefined) return null;
  const constant = editor.addIntegers(`${node.outputs[0]}/shape`, fixed);
  return [named(node, 'Reshape', [x, constant], node.outputs)];
};

/** Reshapes whose target is computed from the shape of a tensor get a constant target. */
export const staticReshapes: Rules = rulesFor({ Reshape: staticReshape });

/** Constants come second. */
const constantSecond: Replace = (node, { editor }) => {
  const [a, b] = node.inputs;
  return editor.constant(a) && !editor.constant(b) ? [{ ...node, inputs: [b, a] }] : null;
};

/** `x - c` as `x + -c`, `x / c` as `x * (1/c)`. */
const inverse =
  (op: string, of: (value: number) => number): Replace =>
  (node, { editor }) => {
    const [x, constant] = node.inputs;
    const values = editor.floats(constant);
    if (values === undefined) return null;
    const name = `${node.outputs[0]}/${op.toLowerCase()}`;
    const changed = editor.addConstant(name, editor.shapeOf(constant), values.map(of));
    return [named(node, op, [x, changed], node.outputs)];
  };

/** A sum of several operands as sums of two. */
const sum: Replace = (node, { editor }) => {
  const { inputs, outputs } = node;
  if (inputs.length < 2) return null;
  const sums: NewNode<string>[] = [];
  let [total] = inputs;
  for (const name of inputs.slice(1, -1)) {
    const result = editor.fresh(`${outputs[0]}/sum`);
    sums.push({ op: 'Add', inputs: [total, name], outputs: [result] });
    total = result;
  }
  return [...sums, named(node, 'Add', [total, inputs[inputs.length - 1]], outputs)];
};

/** `alpha A B + beta C` with constant B and C as a product and a sum. */
const gemm: Replace = (node, { editor }) => {
  const [a, b, c] = node.inputs;
  const [output] = node.outputs;
  const weights = editor.floats(b);
  const bias = editor.floats(c);
  if (intOf(node, 'transA', 0) !== 0 || weights === undefined || (c && bias === undefined)) return null;
  const alpha = floatOf(node, 'alpha', 1);
  const shape = editor.shapeOf(b);
  const turned = intOf(node, 'transB', 0) === 1;
  const values = (turned ? toStorage(weights, shape, [1, 0]) : weights).map((value) => value * alpha);
  const matrix = editor.addConstant(`${output}/weights`, turned ? shape.toReversed() : shape, values);
  const product = bias === undefined ? output : editor.fresh(`${output}/product`);
  const made = named(node, 'MatMul', [a, matrix], [product]);
  if (bias === undefined) return [made];
  const beta = floatOf(node, 'beta', 1);
  const added = editor.addConstant(
    `${output}/bias`,
    editor.shapeOf(c),
    bias.map((value) => value * beta),
  );
  return [made, { op: 'Add', inputs: [product, added], outputs: [output] }];
};

/** Of opset 14: `x * HardSigmoid(x)`. */
const hardSwish: Replace = (node, { editor }) => {
  const [x] = node.inputs;
  const gate = editor.fresh(`${node.outputs[0]}/gate`);
  const attributes = { alpha: float(1 / 6), beta: float(0.5) };
  return [{ op: 'HardSigmoid', inputs: [x], outputs: [gate], attributes }, named(node, 'Mul', [x, gate], node.outputs)];
};

/** Sums and products have one spelling. */
export const oneSpelling: Rules = rulesFor({
  Add: constantSecond,
  Mul: constantSecond,
  Sub: inverse('Add', (value) => -value),
  Div: inverse('Mul', (value) => 1 / value),
  Sum: sum,
  Gemm: gemm,
  HardSwish: hardSwish,
});

const merged: Replace = (node, { nodes: [, before] }) => {
  const [inner, outer] = [intsOf(before, 'perm'), intsOf(node, 'perm')];
  if (inner === undefined || outer === undefined) return null;
  return [named(node, 'Transpose', before.inputs, node.outputs, { perm: ints(outer.map((axis) => inner[axis])) })];
};

/** Merges consecutive transposes; transposes without effect are removed later. */
export const mergeTransposes: Rules = [{ match: ['Transpose', 'Transpose'], replace: merged }];

/** Channels first, from channels last. */
const toFirst = [0, 3, 1, 2];

/** The second input of a sum, product or pad of images with their axes turned; undefined where it is no such constant. */
function turnedInput(editor: Editor, { op, inputs: [, name = ''], outputs: [output] }: OnnxNode): string | undefined {
  if (op === 'Pad') {
    const pads = editor.numbers(name);
    if (pads?.length !== 8) return undefined;
    const turned = [0, 4].flatMap((from) => toFirst.map((axis) => pads[from + axis]));
    return editor.addIntegers(`${output}/pads`, turned);
  }
  const values = editor.floats(name);
  const shape = values && editor.shapeOf(name);
  if (values === undefined || shape === undefined || shape.length > 4) return undefined;
  if (values.length === 1) return name;
  const whole = [...Array.from({ length: 4 - shape.length }, () => 1), ...shape];
  const turned = toFirst.map((axis) => whole[axis]);
  return editor.addConstant(`${output}/turned`, turned, toStorage(values, whole, toFirst));
}

/** Turns the images before what is added, multiplied or padded, instead of after it. */
const turnedBefore: Replace = (node, { editor }) => {
  if (intsOf(node, 'perm')?.join() !== toFirst.join()) return null;
  const steps: { readonly before: OnnxNode; readonly second: string }[] = [];
  let [name] = node.inputs;
  for (let before = editor.producer(name); before !== undefined; before = editor.producer(name)) {
    if (!['Add', 'Mul', 'Pad'].includes(before.op) || editor.only(name) === undefined) break;
    const second = before.inputs[3] ? undefined : turnedInput(editor, before);
    if (second === undefined) break;
    steps.unshift({ before, second });
    [name] = before.inputs;
  }
  if (steps.length === 0) return null;
  let image = editor.fresh(`${name}/image`);
  const made: NewNode<string>[] = [named(node, 'Transpose', [name], [image], node.attributes)];
  for (const [i, { before, second }] of steps.entries()) {
    const result = i === steps.length - 1 ? node.outputs[0] : editor.fresh(`${before.outputs[0]}/image`);
    const [, , ...others] = before.inputs;
    made.push(named(before, before.op, [image, second, ...others], [result], before.attributes));
    image = result;
  }
  return made;
};

/** Images with channels last are turned before they are scaled and padded: what follows is part of the first convolution. */
export const turnImagesFirst: Rules = rulesFor({ Transpose: turnedBefore });
