/** Rules that compute the constants of a graph that was read from a file. */
import { floatsOf, intsOf, isFixed, range, rulesFor, sizeOf } from '../graph/index.js';
import type { Data, GraphEditor, OnnxNode, Rule, Scope } from '../graph/index.js';
import { computeInto, scalarFunctions } from '../values/arithmetic.js';
import { toStorage } from '../values/layout.js';

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

/** Operators that keep the order of a constant's numbers. */
const reshaping: readonly string[] = ['Flatten', 'Reshape', 'Squeeze', 'Unsqueeze'];

/** The numbers of a constant that a node only rearranges; undefined for other nodes. */
export function rearranged(node: OnnxNode, scope: Pick<Scope, 'constant'>): Data | undefined {
  const source = scope.constant(node.inputs[0]);
  if (source === undefined || reshaping.includes(node.op)) return source?.data;
  const perm = intsOf(node, 'perm') ?? range(source.shape.length).reverse();
  return node.op === 'Transpose' ? toStorage(source.data, source.shape, perm) : undefined;
}

/** Operators that are computed in float32, as the runtime would. */
const arithmetic: readonly string[] = ['Add', 'Div', 'Mul', 'Sub', 'Neg', 'Reciprocal', 'Sqrt'];

/** The floats that a node computes from constants. */
function computedFloats(node: OnnxNode, editor: GraphEditor<string>): Float32Array | undefined {
  const of = scalarFunctions[node.op];
  if (!of || !arithmetic.includes(node.op)) {
    const data = rearranged(node, editor);
    return data instanceof Float32Array ? data : undefined;
  }
  const shape = editor.shapeOf(node.outputs[0]);
  const operands = node.inputs.map((name) => ({ data: floatsOf(editor, name), shape: editor.shapeOf(name) }));
  const known = operands.flatMap(({ data, shape: own }) => (data ? [{ data, shape: own }] : []));
  if (known.length < operands.length) return undefined;
  return computeInto(new Float32Array(sizeOf(shape)), shape, of, known);
}

/** Computes a node of constants, or of shapes that follow from the size of the model's input. */
const folded: Replace = (node, { editor }) => {
  const [name] = node.outputs;
  const type = editor.type(name);
  if (!type?.shape.every(isFixed) || node.outputs.length !== 1 || editor.isOutput(name)) return null;
  const { shape } = type;
  const numbers = type.dtype === 'int64' ? editor.numbers(name) : null;
  if (numbers?.length === sizeOf(shape) && numbers.every(Number.isSafeInteger) && numbers.every(isFixed))
    return { constant: { dtype: 'int64', shape, data: BigInt64Array.from(numbers, BigInt) } };
  const data = computedFloats(node, editor);
  return data && { constant: { dtype: 'float32', shape, data } };
};

const shapeOperators = ['Cast', 'Concat', 'ConstantOfShape', 'Gather', 'Identity', 'Shape', 'Slice'];

export const foldConstants: Rules = [
  { match: [[...shapeOperators, ...arithmetic, ...reshaping, 'Transpose']], replace: folded },
];
