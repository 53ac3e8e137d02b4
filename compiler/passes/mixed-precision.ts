import {
  elementTypes,
  type Graph,
  GraphEditor,
  int,
  intOf,
  type Node,
  type OnnxOp,
  optimizerOrigin,
  rowsOf,
  sizeOf,
  toHalf,
} from '../graph/index.js';

/**
 * The precision in which an operator computes with floating-point numbers:
 * - `half`: float16 in any case. Products, which take most of the time.
 * - `full`: float32, or no floating-point numbers. Sums of many numbers, quotients, fast growing functions, loss and optimizer.
 * - `follows`: element by element; float16 where its largest operand is float16 and a reader of the result is.
 * - `moves`: moves elements; in the precision that needs fewest casts.
 */
type Precision = 'half' | 'full' | 'follows' | 'moves';

/** Context of a rule. */
interface Surroundings {
  readonly editor: GraphEditor;
  /** Most products whose sum is exact enough in float16 (see `ProviderCapabilities`). */
  readonly longestSum: number;
}
type PrecisionRule = Precision | ((node: Node, surroundings: Surroundings) => Precision);

/** A product is `full` where its sums are too long for float16. */
const product =
  (addends: (node: Node, editor: GraphEditor) => number) =>
  (node: Node, { editor, longestSum }: Surroundings): Precision =>
    addends(node, editor) <= longestSum ? 'half' : 'full';

const convolution = product(({ inputs }, editor) => sizeOf(editor.shapeOf(inputs[1]).slice(1)));

const transposedConvolution = product((node, editor) => {
  const [channels, , ...kernel] = editor.shapeOf(node.inputs[1]);
  return (channels / intOf(node, 'group', 1)) * sizeOf(kernel);
});

const layerProduct = product(({ inputs }, editor) => editor.shapeOf(inputs[0]).at(-1) ?? 1);

/** Squares of gradients underflow in float16. */
const matrixProduct: PrecisionRule = (node, surroundings) =>
  node.origin === optimizerOrigin ? 'full' : layerProduct(node, surroundings);

/** Booleans are exact in both precisions; numbers of other types may have more digits than float16. */
const castRule: PrecisionRule = ({ inputs, outputs }, { editor }) =>
  editor.type(inputs[0])?.dtype === 'bool' && editor.type(outputs[0])?.dtype === 'float32' ? 'moves' : 'full';

/** With mean 0 and variance 1 it only scales and shifts; otherwise it needs float32 statistics. */
const batchNormalization: PrecisionRule = ({ inputs }, { editor }) =>
  [0, 1].every((value, i) => editor.constant(inputs[3 + i])?.data.every((x: number | bigint) => x === value) === true)
    ? 'follows'
    : 'full';

/** Micikevicius et al. 2018, "Mixed Precision Training", section 3. */
const rules: { readonly [K in OnnxOp]: PrecisionRule } = {
  ...rowsOf('follows', 'Abs', 'Add', 'Clip', 'Equal', 'Greater', 'GreaterOrEqual', 'HardSigmoid', 'LeakyRelu', 'Less'),
  ...rowsOf('follows', 'LessOrEqual', 'Max', 'MaxPool', 'Min', 'Mul', 'Neg', 'QuickGelu', 'Relu', 'Sigmoid', 'Sign'),
  ...rowsOf('follows', 'Sub', 'Tanh', 'Where'),
  ...rowsOf('full', 'And', 'ArgMax', 'ArgMin', 'AveragePool', 'BitShift', 'BitwiseXor', 'Ceil', 'Cos', 'Div', 'Elu'),
  ...rowsOf('full', 'Erf', 'Exp', 'Floor', 'Log', 'LogSoftmax', 'Not', 'Or', 'Pow', 'Reciprocal', 'ReduceMax'),
  ...rowsOf('full', 'ReduceMean', 'ReduceMin', 'ReduceProd', 'ReduceSum', 'Resize', 'Round', 'ScatterElements', 'Selu'),
  ...rowsOf('full', 'Shape', 'Sin', 'Softmax', 'Softplus', 'Sqrt', 'TopK', 'nchwc.Conv', 'nchwc.GlobalAveragePool'),
  ...rowsOf('full', 'nchwc.ReorderInput', 'nchwc.ReorderOutput'),
  ...rowsOf('moves', 'Concat', 'Expand', 'Gather', 'Identity', 'Pad', 'Reshape', 'Slice', 'Split', 'Tile', 'Transpose'),
  BatchNormalization: batchNormalization,
  Cast: castRule,
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  MatMul: matrixProduct,
};

/** Whether float16 represents each number well: not too large, nor so small that digits are lost. */
const fitsHalf = (data: Float32Array): boolean =>
  data.every((x) => x === 0 || (Math.abs(x) <= 65504 && Math.abs(x) >= 2 ** -14));

/** The rule of a node; constants that float16 does not represent well make it `full`. */
function precisionOf(node: Node, surroundings: Surroundings): Precision {
  const constants = node.inputs.map((name) => surroundings.editor.constant(name)?.data);
  if (constants.some((data) => data instanceof Float32Array && !fitsHalf(data))) return 'full';
  const rule: PrecisionRule = rules[node.op];
  return typeof rule === 'string' ? rule : rule(node, surroundings);
}

const isFloat = (editor: GraphEditor, name: string): boolean => editor.type(name)?.dtype === 'float32';

/** How many readers of a value compute in float16. */
type Demand = 'all' | 'some' | 'none';

/**
 * Decides which nodes compute in float16. A forward pass finds nodes whose inputs can be float16; a backward pass chooses those
 * of them whose results are read in float16.
 */
class Assignment {
  private readonly able = new Set<Node>();
  /** First outputs of the nodes that compute in float16. */
  private readonly half = new Set<string>();

  constructor(
    private readonly editor: GraphEditor,
    longestSum: number,
  ) {
    const nodes = [...editor.nodes()].map((node) => ({ node, precision: precisionOf(node, { editor, longestSum }) }));
    for (const { node, precision } of nodes)
      if (precision === 'half' || (precision !== 'full' && this.largest(node).some((name) => this.isAble(name))))
        this.able.add(node);
    for (const { node, precision } of nodes.toReversed())
      if (this.chooses(node, precision)) this.half.add(node.outputs[0]);
  }

  isHalf({ outputs }: Node): boolean {
    return this.half.has(outputs[0]);
  }

  /** The float operands that have most elements; constants can have either precision. */
  private largest({ inputs }: Node): string[] {
    const { editor } = this;
    const floats = inputs.filter((name) => isFloat(editor, name) && !editor.constant(name));
    const sizes = floats.map((name) => sizeOf(editor.shapeOf(name)));
    const most = Math.max(...sizes);
    return floats.filter((_, i) => sizes[i] === most);
  }

  /** Whether the node that computes a value can compute it in float16. */
  private isAble(name: string): boolean {
    const maker = this.editor.producer(name);
    return maker !== undefined && this.able.has(maker);
  }

  private chooses(node: Node, precision: Precision): boolean {
    switch (precision) {
      case 'half':
        return true;
      case 'full':
        return false;
      case 'follows':
        return this.able.has(node) && this.demandFor(node) !== 'none';
      case 'moves': {
        const demand = this.demandFor(node);
        return demand === 'all' || (demand === 'some' && this.able.has(node));
      }
    }
  }

  private demandFor({ outputs }: Node): Demand {
    const floats = outputs.filter((name) => isFloat(this.editor, name));
    // A comparison: its result is no float.
    if (floats.length === 0) return 'some';
    const readers = floats.flatMap((name) => this.editor.consumers(name));
    const wanting = readers.filter((reader) => this.isHalf(reader)).length;
    if (wanting === 0) return 'none';
    return wanting === readers.length && !floats.some((name) => this.editor.isOutput(name)) ? 'all' : 'some';
  }
}

/** Name of the same value in float16. */
const half = (name: string): string => `${name}/half`;

const cast = (from: string, to: string, dtype: 'float16' | 'float32', origin = ''): Node => ({
  op: 'Cast',
  inputs: [from],
  outputs: [to],
  attributes: { to: int(elementTypes[dtype].code) },
  origin,
});

/**
 * Products, and the operators between them, compute in float16; sums over many numbers, loss, optimizer and states stay
 * float32 (Micikevicius et al. 2018, "Mixed Precision Training"). Every value is cast at most once, however often it is read,
 * and nothing is cast back and forth.
 * @param longestSum most products whose sum is exact enough in float16
 */
export function mixedPrecision(graph: Graph, longestSum: number): Graph {
  const editor = new GraphEditor(graph);
  const assignment = new Assignment(editor, longestSum);
  // `finish` removes casts that nothing reads.
  for (const { name, dtype } of graph.inputs)
    if (dtype === 'float32') editor.prepend(cast(name, half(name), 'float16'));
  for (const [name, { data, shape }] of graph.constants)
    if (data instanceof Float32Array) editor.addConstant(half(name), shape, toHalf(data));
  for (const node of editor.nodes()) {
    const floats = node.outputs.filter((name) => isFloat(editor, name));
    if (assignment.isHalf(node)) {
      const inHalf = (name: string): string => (isFloat(editor, name) ? half(name) : name);
      const attributes = node.op === 'Cast' ? { to: int(elementTypes.float16.code) } : node.attributes;
      const computed = { ...node, attributes, inputs: node.inputs.map(inHalf), outputs: node.outputs.map(inHalf) };
      editor.replace(node, computed, ...floats.map((name) => cast(half(name), name, 'float32', node.origin)));
    } else if (floats.length > 0)
      editor.replace(node, node, ...floats.map((name) => cast(name, half(name), 'float16', node.origin)));
  }
  return editor.finish();
}
