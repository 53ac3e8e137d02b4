/** Rules that compute the constants of a graph that was read from a file. */
import { intsOf, isFixed, range, rulesFor, sizeOf, type Constant, type Rule, type Shape } from '../graph/index.js';
import { layOut, toStorage } from '../values/layout.js';

type Rules = readonly Rule<string>[];
type Replace = Rule<string>['replace'];

/** A Constant's value, in whichever attribute it is; none for texts and sparse values. */
const constantNode: Replace = ({ attributes, outputs }, { editor }) => {
  const { value, value_float: one, value_floats: floats } = attributes;
  const numbers = editor.numbers(outputs[0]);
  if (editor.isOutput(outputs[0])) return null;
  if (value?.kind === 'tensor') return { constant: value.value };
  if (one?.kind === 'float') return { constant: { dtype: 'float32', shape: [], data: Float32Array.of(one.value) } };
  if (floats?.kind === 'floats')
    return { constant: { dtype: 'float32', shape: [floats.value.length], data: Float32Array.from(floats.value) } };
  const shape = editor.shape(outputs[0]);
  return numbers && shape && { constant: { dtype: 'int64', shape, data: BigInt64Array.from(numbers, BigInt) } };
};

/** Constants that are nodes become initializers. */
export const constantNodes: Rules = rulesFor({ Constant: constantNode });

/** Computes a node of constants in float32, as the runtime would. */
type Fold = (
  values: readonly Float32Array[],
  constants: readonly Constant[],
  ...node: Parameters<Replace>
) => Float32Array;

const each =
  (of: (x: number) => number): Fold =>
  ([x]) =>
    x.map(of);
const pairwise =
  (of: (a: number, b: number) => number): Fold =>
  ([a, b]) =>
    a.map((value, i) => of(value, b[i]));
const same: Fold = ([x]) => x;

/** Repeats a constant to the shape that it broadcasts to. */
const broadcast = (data: Float32Array, from: Shape, to: Shape): Float32Array =>
  layOut(data, [...new Array<number>(to.length - from.length).fill(1), ...from], to, range(to.length));

/** Operators whose inputs are broadcast before they are computed. */
const arithmetic: Readonly<Partial<Record<string, Fold>>> = {
  Add: pairwise((a, b) => a + b),
  Div: pairwise((a, b) => a / b),
  Mul: pairwise((a, b) => a * b),
  Sub: pairwise((a, b) => a - b),
  Neg: each((x) => -x),
  Reciprocal: each((x) => 1 / x),
  Sqrt: each(Math.sqrt),
};

const rearranging: Readonly<Partial<Record<string, Fold>>> = {
  Flatten: same,
  Reshape: same,
  Squeeze: same,
  Unsqueeze: same,
  Transpose: ([x], [{ shape }], node) => toStorage(x, shape, intsOf(node, 'perm') ?? range(shape.length).reverse()),
};

/** The floats that a node computes from constants. */
function floatsOf(...[node, match]: Parameters<Replace>): Float32Array | undefined {
  const { editor } = match;
  const to = editor.shapeOf(node.outputs[0]);
  const isArithmetic = node.op in arithmetic;
  const fold = arithmetic[node.op] ?? rearranging[node.op];
  const constants = (isArithmetic ? node.inputs : node.inputs.slice(0, 1)).map((name) => editor.constant(name));
  if (!fold || !constants.every((constant) => constant !== undefined)) return undefined;
  const values = constants.map(({ data, shape }) => {
    if (!(data instanceof Float32Array)) return null;
    return isArithmetic ? broadcast(data, shape, to) : data;
  });
  return values.every((value) => value !== null) ? fold(values, constants, node, match) : undefined;
}

/** Computes a node of constants, or of shapes that follow from the size of the model's input. */
const folded: Replace = (node, match) => {
  const { editor } = match;
  const [name] = node.outputs;
  const type = editor.type(name);
  if (!type?.shape.every(isFixed) || node.outputs.length !== 1 || editor.isOutput(name)) return null;
  const { shape } = type;
  const numbers = type.dtype === 'int64' ? editor.numbers(name) : null;
  if (numbers?.length === sizeOf(shape) && numbers.every(Number.isSafeInteger) && numbers.every(isFixed))
    return { constant: { dtype: 'int64', shape, data: BigInt64Array.from(numbers, BigInt) } };
  const data = floatsOf(node, match);
  return data && { constant: { dtype: 'float32', shape, data } };
};

const shapeOperators = ['Cast', 'Concat', 'ConstantOfShape', 'Gather', 'Identity', 'Shape', 'Slice'];

export const foldConstants: Rules = [
  { match: [[...shapeOperators, ...Object.keys(arithmetic), ...Object.keys(rearranging)]], replace: folded },
];
