import type { OnnxEditor } from './editor.js';
import type { Range } from './numbers.js';
import { floatOf, intOf, type OnnxNode } from './onnx-nodes.js';
import { areScores } from './scores.js';

/**
 * What becomes of a node in integers.
 * - `products`: sums of products of bytes with constant weights of 8 bits, and a bias of 32
 * - `scores`: the same, but the sums stay floats: nobody reads them in bytes
 * - `bytes`: bytes in, bytes out, each with a scale of its own
 * - `moved`: bytes go elsewhere as they are, at their scale
 * - `saturated`: it goes; what makes its input saturates where the node would clip
 * - `looked-up`: bytes in, bytes out, by a table
 */
export type Treatment = 'products' | 'scores' | 'bytes' | 'moved' | 'saturated' | 'looked-up';

/** A node, and what is known when its turn comes: those before it are decided. */
export interface Case {
  readonly node: OnnxNode;
  readonly editor: OnnxEditor;
  /** Whether a tensor is of floats that depend on the image. */
  readonly isActivation: (name: string) => boolean;
  /** Whether a tensor is there in bytes. */
  readonly isBytes: (name: string) => boolean;
  /** The tensor whose saturation can do what the node does, if there is one. */
  readonly source: string | null;
}

/** The treatment; why the node stays float; or null for one that computes nothing. */
export type Verdict = Treatment | { readonly float: string } | null;
type Rule = (it: Case) => Verdict;

const float = (reason: string): Rule => {
  const verdict = { float: reason };
  return () => verdict;
};

const floatInput: Verdict = { float: 'what it reads is float' };

/** Weights are of as many dimensions as the operator has a kernel for. */
const products =
  (fits: (dims: readonly number[]) => boolean): Rule =>
  ({ node: { input }, editor }) => {
    const dims = editor.dims(input[1]);
    if (dims === undefined || editor.floats(input[1]) === undefined)
      return { float: 'its weights are no float32 constants' };
    if (!fits(dims)) return { float: `there is no integer kernel for weights [${dims.join(', ')}]` };
    const bias = input.at(2) ?? '';
    return bias === '' || editor.floats(bias) !== undefined ? 'products' : { float: 'its bias is no constant' };
  };

const bytes: Rule = ({ node: { input }, isBytes }) => (input.some(isBytes) ? 'bytes' : floatInput);

/** Products of weights by row, whose sums nobody reads in bytes. */
const scores: Rule = (it) => {
  const { node, editor } = it;
  const isPlain = intOf(node, 'transA', 0) === 0 && intOf(node, 'transB', 0) === 1;
  const isOwnSum = floatOf(node, 'alpha', 1) === 1 && floatOf(node, 'beta', 1) === 1;
  if (!isPlain || !isOwnSum || !areScores(editor, node.output[0]))
    return { float: 'there is no integer kernel for it' };
  return products(({ length }) => length === 2)(it) === 'products'
    ? 'scores'
    : { float: 'its weights are no constants' };
};

/** Of two activations, or of one and a number: constants that differ by channel are too coarse with one scale for all. */
const arithmetic: Rule = (it) => {
  const { node, editor, isActivation } = it;
  const constants = node.input.filter((name) => !isActivation(name));
  const isOne = (name: string) => editor.floats(name)?.length === 1;
  return constants.every(isOne) ? bytes(it) : { float: 'its constants differ by channel, and bytes have one scale' };
};

/** What only moves numbers computes nothing, in floats as in bytes. */
const moved: Rule = ({ node: { input }, isBytes }) => (isBytes(input[0]) ? 'moved' : null);

/** The greatest of bytes is the byte of the greatest. */
const maximum: Rule = (it) => {
  if (it.node.output.filter((name) => name !== '').length > 1) return { float: 'it gives indices, too' };
  return moved(it) ?? floatInput;
};

/** Bounds of 0 and more on both sides of zero are what saturation can do. */
const saturating: Rule = ({ node, editor, source, isBytes }) => {
  if (!isBytes(node.input[0])) return floatInput;
  const bounds = boundsOf(node, editor);
  if (bounds === null) return { float: 'its bounds are no constants' };
  if (bounds[0] > 0 || bounds[1] < 0) return { float: 'zero is outside its bounds' };
  return source === null ? 'looked-up' : 'saturated';
};

/** The numbers that a node clips to; null where they are not known, or where it does not clip. */
export function boundsOf(node: OnnxNode, editor: OnnxEditor): Range | null {
  if (node.opType === 'Relu') return [0, Infinity];
  // The bytes of its argument are those of the gate; see `Scale`.
  if (node.opType === 'HardSigmoid') return [0, 1];
  if (node.opType !== 'Clip') return null;
  const bound = (input: string | undefined, open: number): number | undefined =>
    input === undefined || input === '' ? open : editor.floats(input)?.[0];
  const low = bound(node.input.at(1), -Infinity);
  const high = bound(node.input.at(2), Infinity);
  return low === undefined || high === undefined ? null : [low, high];
}

/** A gate of a slope above zero, whose clipped ends are inside what a byte can say. */
const hardSigmoid: Rule = (it) => {
  const alpha = floatOf(it.node, 'alpha', 0.2);
  const beta = floatOf(it.node, 'beta', 0.5);
  return alpha > 0 && beta >= 0 && beta <= 1 ? saturating(it) : { float: 'zero is outside its bounds' };
};

const rules: Readonly<Record<string, Rule>> = {
  Conv: products(({ length }) => length >= 3),
  MatMul: products(({ length }) => length === 2),
  Gemm: scores,
  Add: arithmetic,
  Mul: arithmetic,
  AveragePool: bytes,
  GlobalAveragePool: bytes,
  Concat: bytes,
  Sigmoid: bytes,
  LeakyRelu: bytes,
  MaxPool: maximum,
  Reshape: moved,
  Flatten: moved,
  Squeeze: moved,
  Unsqueeze: moved,
  Transpose: moved,
  Slice: moved,
  Split: moved,
  Gather: moved,
  Relu: saturating,
  Clip: saturating,
  HardSigmoid: hardSigmoid,
  Identity: () => null,
  Shape: () => null,
  Size: () => null,
  Softmax: float('probabilities need finer steps than a byte has'),
  LogSoftmax: float('logarithms of probabilities need finer steps than a byte has'),
};

const unknown = float('there is no integer kernel for it');

/** The rule of an operator of ONNX; null: of another domain. */
export const ruleOf = (operator: string | null): Rule =>
  operator !== null && Object.hasOwn(rules, operator) ? rules[operator] : unknown;
