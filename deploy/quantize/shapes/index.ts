/** Extents of the tensors of a model, as far as they follow from its inputs. */
import { TensorProto_DataType as Type } from 'onnx-buf';
import type { OnnxEditor } from '../editor.js';
import { intOf, operatorOf } from '../onnx-nodes.js';
import { axisIn, broadcast, type Dim, type Dims, type Known, type ShapeRule } from './dims.js';
import { givesLong, integersOf } from './integers.js';
import { axesOf, rearranging } from './rearranging.js';
import { convolutionDims, globalPoolDims, poolDims } from './windows.js';

export { axisIn, isNumber, isOnePixel, numbers, type Dim, type Dims } from './dims.js';
export { windowOf, type Window } from './windows.js';

const asFirst: ShapeRule = ({ dims }) => [dims(0)];

const broadcasting: ShapeRule = ({ node, dims }) => {
  const all = node.input.map((_, i) => dims(i));
  return all.every((one) => one !== undefined) ? [broadcast(all)] : [];
};

const matMul: ShapeRule = ({ dims }) => {
  const [a, b] = [dims(0), dims(1)];
  if (a === undefined || b === undefined || a.length < 2 || b.length < 2) return [];
  const stacks = broadcast([a.slice(0, -2), b.slice(0, -2), []]);
  return [[...stacks, a[a.length - 2], b[b.length - 1]]];
};

const gemm: ShapeRule = ({ node, dims }) => {
  const [a, b] = [dims(0), dims(1)];
  if (a === undefined || b === undefined) return [];
  return [[a[intOf(node, 'transA', 0)], b[1 - intOf(node, 'transB', 0)]]];
};

const reduce: ShapeRule = (known) => {
  const x = known.dims(0);
  if (x === undefined) return [];
  const given = axesOf(known);
  if (given === undefined && known.node.input[1]) return [];
  const axes = new Set((given ?? x.map((_, i) => i)).map((axis) => axisIn(x.length, axis)));
  const kept = intOf(known.node, 'keepdims', 1) === 1;
  return [x.flatMap((dim, axis) => (axes.has(axis) ? (kept ? [1] : []) : [dim]))];
};

const shape: ShapeRule = (known) => {
  const found = integersOf('Shape', known);
  return found === undefined ? [] : [[found.length]];
};

const constantOfShape: ShapeRule = ({ integers }) => [integers(0)];

const table = (rule: ShapeRule, ...operators: readonly string[]): Record<string, ShapeRule> =>
  Object.fromEntries(operators.map((operator) => [operator, rule]));

const rules: Readonly<Partial<Record<string, ShapeRule>>> = {
  ...rearranging,
  ...table(asFirst, 'Abs', 'BatchNormalization', 'Cast', 'Clip', 'Dropout', 'Elu', 'Erf', 'Exp', 'Gelu', 'HardSigmoid'),
  ...table(asFirst, 'HardSwish', 'Identity', 'InstanceNormalization', 'LRN', 'LayerNormalization', 'LeakyRelu', 'Log'),
  ...table(
    asFirst,
    'LogSoftmax',
    'Mish',
    'Neg',
    'PRelu',
    'Relu',
    'Reciprocal',
    'Selu',
    'Sigmoid',
    'Softmax',
    'Softplus',
  ),
  ...table(asFirst, 'Softsign', 'Sqrt', 'Tanh', 'ThresholdedRelu'),
  ...table(broadcasting, 'Add', 'Div', 'Max', 'Mean', 'Min', 'Mul', 'Pow', 'Sub', 'Sum'),
  ...table(globalPoolDims, 'GlobalAveragePool', 'GlobalMaxPool'),
  ...table(poolDims, 'AveragePool', 'MaxPool'),
  ...table(reduce, 'ReduceMax', 'ReduceMean', 'ReduceMin', 'ReduceSum', 'ReduceL2', 'ReduceProd'),
  ConstantOfShape: constantOfShape,
  Conv: convolutionDims,
  Gemm: gemm,
  MatMul: matMul,
  Shape: shape,
};

export interface Shapes {
  /** Extents of a tensor; `undefined` where not even its rank is known. */
  dims(name: string): Dims | undefined;
  /** The values of a tensor of integers, row by row, where they follow from extents. */
  integers(name: string): readonly Dim[] | undefined;
  /** Whether a tensor with such values is of int64. */
  isLong(name: string): boolean;
}

/** What is known of the tensors of a model as it is now. */
export function inferShapes(editor: OnnxEditor): Shapes {
  const extents = new Map<string, Dims>(editor.inputs.map((name) => [name, editor.inputDims(name)]));
  const values = new Map<string, readonly Dim[]>();
  const dims = (name: string): Dims | undefined => extents.get(name) ?? editor.dims(name);
  const integers = (name: string): readonly Dim[] | undefined => {
    const known = values.get(name) ?? editor.ints(name);
    if (known !== undefined) values.set(name, known);
    return known;
  };
  const longs = new Set<string>();
  const isLong = (name: string): boolean => longs.has(name) || editor.constant(name)?.dataType === Type.INT64.valueOf();
  for (const node of editor.nodes) {
    const operator = operatorOf(node);
    if (operator === null) continue;
    const known: Known = {
      editor,
      node,
      dims: (input) => dims(node.input[input] ?? ''),
      integers: (input) => integers(node.input[input] ?? ''),
    };
    for (const [i, found] of (rules[operator]?.(known) ?? []).entries())
      if (found !== undefined) extents.set(node.output[i], found);
    const found = integersOf(operator, known);
    if (found === undefined) continue;
    values.set(node.output[0], found);
    if (givesLong(node, isLong)) longs.add(node.output[0]);
  }
  return { dims, integers, isLong };
}
