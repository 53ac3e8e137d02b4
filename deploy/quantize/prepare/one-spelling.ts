import type { OnnxEditor } from '../editor.js';
import { float, floatOf, intOf, onnxNode, operatorOf, type OnnxNode } from '../onnx-nodes.js';
import { permuted } from './fold-constants.js';

/** What stands for a node, or nothing where it stays. */
type Spelling = (node: OnnxNode, editor: OnnxEditor) => readonly OnnxNode[] | undefined;

/** Constants come second. */
const constantSecond: Spelling = (node, editor) => {
  const [a, b] = node.input;
  return editor.isConstant(a) && !editor.isConstant(b) ? [{ ...node, input: [b, a] }] : undefined;
};

/** `x - c` as `x + -c`, `x / c` as `x * (1/c)`. */
const inverse =
  (operator: string, of: (value: number) => number): Spelling =>
  (node, editor) => {
    const [x, constant] = node.input;
    const values = editor.floats(constant);
    if (values === undefined) return undefined;
    const changed = editor.addConstant(
      `${node.output[0]}/${operator.toLowerCase()}`,
      editor.dims(constant) ?? [],
      values.map(of),
    );
    return [{ ...onnxNode(operator, [x, changed], node.output), name: node.name }];
  };

/** A sum of several as sums of two. */
const sum: Spelling = (node, editor) => {
  const { input, output } = node;
  if (input.length < 2) return undefined;
  return input.slice(1).reduce<{ nodes: OnnxNode[]; total: string }>(
    ({ nodes, total }, name, i) => {
      const isLast = i === input.length - 2;
      const result = isLast ? output[0] : editor.fresh(`${output[0]}/sum`);
      const made = onnxNode('Add', [total, name], [result]);
      return { nodes: [...nodes, isLast ? { ...made, name: node.name } : made], total: result };
    },
    { nodes: [], total: input[0] },
  ).nodes;
};

/** `alpha A B + beta C` with constant B and C as a product and a sum. */
const gemm: Spelling = (node, editor) => {
  const [a, b, c] = node.input;
  const [output] = node.output;
  const weights = editor.floats(b);
  const dims = editor.dims(b) ?? [];
  const bias = c ? editor.floats(c) : undefined;
  if (intOf(node, 'transA', 0) !== 0 || weights === undefined || (c && bias === undefined)) return undefined;
  const alpha = floatOf(node, 'alpha', 1);
  const turned = intOf(node, 'transB', 0) === 1;
  const values = (turned ? permuted(weights, dims, [1, 0]) : weights).map((value) => value * alpha);
  const matrix = editor.addConstant(`${output}/weights`, turned ? dims.toReversed() : dims, values);
  const product = bias === undefined ? output : editor.fresh(`${output}/product`);
  const made = { ...onnxNode('MatMul', [a, matrix], [product]), name: node.name };
  if (bias === undefined) return [made];
  const beta = floatOf(node, 'beta', 1);
  const added = editor.addConstant(
    `${output}/bias`,
    editor.dims(c) ?? [],
    bias.map((value) => value * beta),
  );
  return [made, onnxNode('Add', [product, added], [output])];
};

/** Of opset 14: `x` times the hard sigmoid of it. */
const hardSwish: Spelling = (node, editor) => {
  const [x] = node.input;
  const gate = editor.fresh(`${node.output[0]}/gate`);
  return [
    onnxNode('HardSigmoid', [x], [gate], { alpha: float(1 / 6), beta: float(0.5) }),
    { ...onnxNode('Mul', [x, gate], node.output), name: node.name },
  ];
};

const spellings: Readonly<Partial<Record<string, Spelling>>> = {
  Add: constantSecond,
  Mul: constantSecond,
  Sub: inverse('Add', (value) => -value),
  Div: inverse('Mul', (value) => 1 / value),
  Sum: sum,
  Gemm: gemm,
  HardSwish: hardSwish,
};

/** What can be said in several operators is said in one way. */
export function oneSpelling(editor: OnnxEditor): void {
  for (const node of editor.nodes) {
    const by = spellings[operatorOf(node) ?? '']?.(node, editor);
    if (by !== undefined) editor.replace(node, ...by);
  }
}
