import { sizeOf, type GraphEditor, type Node, type OnnxOp } from '../../graph/index.js';

/**
 * In which precision an operator computes with floating-point numbers:
 * - `half`: float16, whatever it is given. Products, of which there are most.
 * - `full`: float32, or no such numbers at all. Sums of many numbers, quotients, what grows fast, loss and optimizer.
 * - `follows`: element by element; float16 where its largest operand is, and somebody wants the result so.
 * - `moves`: elements as they are, elsewhere; where it takes fewest casts.
 */
export type Rule = 'half' | 'full' | 'follows' | 'moves';

/** What rules may ask. */
export interface Surroundings {
  readonly editor: GraphEditor;
  /** The most products whose sum the provider adds up well enough in float16. */
  readonly longestSum: number;
}
type RuleOf = Rule | ((node: Node, surroundings: Surroundings) => Rule);

/** A product is `full` where it adds up more products than is good for float16. */
const product =
  (addends: (node: Node, editor: GraphEditor) => number): RuleOf =>
  (node, { editor, longestSum }) =>
    addends(node, editor) <= longestSum ? 'half' : 'full';

const convolution = product(({ inputs }, editor) => sizeOf(editor.shapeOf(inputs[1]).slice(1)));

const transposedConvolution = product(({ inputs, attributes: { group } }, editor) => {
  const [channels, , ...kernel] = editor.shapeOf(inputs[1]);
  return (channels / (group?.kind === 'int' ? group.value : 1)) * sizeOf(kernel);
});

const matrixProduct = product(({ inputs }, editor) => editor.shapeOf(inputs[0]).at(-1) ?? 1);

/** True and false are whole numbers in either; numbers of other types may have more digits than float16. */
const cast: RuleOf = ({ inputs, outputs }, { editor }) =>
  editor.type(inputs[0])?.dtype === 'bool' && editor.type(outputs[0])?.dtype === 'float32' ? 'moves' : 'full';

/** Plain scale and shift where the mean is 0 and the variance 1, statistics otherwise. */
const batchNormalization: RuleOf = ({ inputs }, { editor }) =>
  [0, 1].every((value, i) => editor.constant(inputs[3 + i])?.data.every((x: number | bigint) => x === value) === true)
    ? 'follows'
    : 'full';

/** Micikevicius et al. 2018, "Mixed Precision Training", section 3. */
const rules: { readonly [K in OnnxOp]: RuleOf } = {
  Abs: 'follows',
  Acos: 'full',
  Acosh: 'full',
  Add: 'follows',
  And: 'full',
  ArgMax: 'full',
  ArgMin: 'full',
  Asin: 'full',
  Asinh: 'full',
  Atan: 'full',
  Atanh: 'full',
  AveragePool: 'full',
  BatchNormalization: batchNormalization,
  BitShift: 'full',
  BitwiseXor: 'full',
  Cast: cast,
  Ceil: 'full',
  Clip: 'follows',
  Concat: 'moves',
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  Cos: 'full',
  Cosh: 'full',
  CumSum: 'full',
  Div: 'full',
  Elu: 'full',
  Equal: 'follows',
  Erf: 'full',
  Exp: 'full',
  Expand: 'moves',
  Floor: 'full',
  Gather: 'moves',
  GatherND: 'full',
  Greater: 'follows',
  GreaterOrEqual: 'follows',
  HardSigmoid: 'follows',
  Identity: 'moves',
  IsInf: 'full',
  IsNaN: 'full',
  LeakyRelu: 'follows',
  Less: 'follows',
  LessOrEqual: 'follows',
  Log: 'full',
  LogSoftmax: 'full',
  MatMul: matrixProduct,
  Max: 'follows',
  MaxPool: 'follows',
  Min: 'follows',
  Mod: 'full',
  Mul: 'follows',
  Neg: 'follows',
  Not: 'full',
  Or: 'full',
  Pad: 'moves',
  Pow: 'full',
  QuickGelu: 'follows',
  Reciprocal: 'full',
  ReduceMax: 'full',
  ReduceMean: 'full',
  ReduceMin: 'full',
  ReduceProd: 'full',
  ReduceSum: 'full',
  Relu: 'follows',
  Reshape: 'moves',
  Resize: 'full',
  Round: 'full',
  ScatterElements: 'full',
  Selu: 'full',
  Shape: 'full',
  Sigmoid: 'follows',
  Sign: 'follows',
  Sin: 'full',
  Sinh: 'full',
  Slice: 'moves',
  Softmax: 'full',
  Softplus: 'full',
  Split: 'moves',
  Sqrt: 'full',
  Sub: 'follows',
  Tan: 'full',
  Tanh: 'follows',
  Tile: 'moves',
  TopK: 'full',
  Transpose: 'moves',
  Where: 'follows',
  Xor: 'full',
  'nchwc.Conv': 'full',
  'nchwc.GlobalAveragePool': 'full',
  'nchwc.ReorderInput': 'full',
  'nchwc.ReorderOutput': 'full',
};

/** Whether float16 has a good neighbour of each number: not too large, nor so small that digits are lost. */
const fitsHalf = (data: Float32Array): boolean =>
  data.every((x) => x === 0 || (Math.abs(x) <= 65504 && Math.abs(x) >= 2 ** -14));

/** The rule of a node among its surroundings. */
export function ruleOf(node: Node, surroundings: Surroundings): Rule {
  const constants = node.inputs.map((name) => surroundings.editor.constant(name)?.data);
  if (constants.some((data) => data instanceof Float32Array && !fitsHalf(data))) return 'full';
  const rule: RuleOf = rules[node.op];
  return typeof rule === 'string' ? rule : rule(node, surroundings);
}
