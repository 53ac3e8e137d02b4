import { elementTypes, type Graph, GraphEditor, int, type Node, type OnnxOp, sizeOf, toHalf } from '../graph/index.js';

/**
 * In which precision an operator computes with floating-point numbers:
 * - `half`: float16, whatever it is given. Products, of which there are most.
 * - `full`: float32, or no such numbers at all. Sums of many numbers, quotients, what grows fast, loss and optimizer.
 * - `follows`: element by element; float16 where its largest operand is, and somebody wants the result so.
 * - `moves`: elements as they are, elsewhere; where it takes fewest casts.
 */
type Rule = 'half' | 'full' | 'follows' | 'moves';

/** What rules may ask. */
interface Surroundings {
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
const castRule: RuleOf = ({ inputs, outputs }, { editor }) =>
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
  Cast: castRule,
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
function ruleOf(node: Node, surroundings: Surroundings): Rule {
  const constants = node.inputs.map((name) => surroundings.editor.constant(name)?.data);
  if (constants.some((data) => data instanceof Float32Array && !fitsHalf(data))) return 'full';
  const rule: RuleOf = rules[node.op];
  return typeof rule === 'string' ? rule : rule(node, surroundings);
}

const isFloat = (editor: GraphEditor, name: string): boolean => editor.type(name)?.dtype === 'float32';

/** Which of its readers want a value in float16. */
type Demand = 'all' | 'some' | 'none';

/**
 * Which nodes compute in float16. Forwards: who can, as what they are given is float16 already; then backwards: of these,
 * whose results are wanted so.
 */
class Assignment {
  private readonly readers = new Map<string, Node[]>();
  private readonly able = new Set<Node>();
  /** First outputs of the nodes that compute in float16. */
  private readonly half = new Set<string>();

  constructor(
    private readonly editor: GraphEditor,
    longestSum: number,
  ) {
    const nodes = [...editor.nodes()].map((node) => ({ node, rule: ruleOf(node, { editor, longestSum }) }));
    const makers = new Map<string, Node>();
    for (const { node, rule } of nodes) {
      for (const name of node.outputs) makers.set(name, node);
      for (const name of node.inputs) {
        const known = this.readers.get(name);
        if (known) known.push(node);
        else this.readers.set(name, [node]);
      }
      if (rule === 'half' || (rule !== 'full' && this.largest(node).some((name) => this.gives(makers.get(name)))))
        this.able.add(node);
    }
    for (const { node, rule } of nodes.toReversed()) if (this.chooses(node, rule)) this.half.add(node.outputs[0]);
  }

  isHalf({ outputs }: Node): boolean {
    return this.half.has(outputs[0]);
  }

  /** The float operands that have most elements; constants are what they need to be. */
  private largest({ inputs }: Node): string[] {
    const { editor } = this;
    const floats = inputs.filter((name) => isFloat(editor, name) && !editor.constant(name));
    const sizes = floats.map((name) => sizeOf(editor.shapeOf(name)));
    const most = Math.max(...sizes);
    return floats.filter((_, i) => sizes[i] === most);
  }

  private gives(maker: Node | undefined): boolean {
    return maker !== undefined && this.able.has(maker);
  }

  private chooses(node: Node, rule: Rule): boolean {
    switch (rule) {
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
    // A comparison: its result is neither.
    if (floats.length === 0) return 'some';
    const readers = floats.flatMap((name) => this.readers.get(name) ?? []);
    const wanting = readers.filter((reader) => this.isHalf(reader)).length;
    if (wanting === 0) return 'none';
    return wanting === readers.length && !floats.some((name) => this.editor.isOutput(name)) ? 'all' : 'some';
  }
}

/** The same value in float16. */
const half = (name: string): string => `${name}/half`;

const cast = (from: string, to: string, dtype: 'float16' | 'float32', origin = ''): Node => ({
  op: 'Cast',
  inputs: [from],
  outputs: [to],
  attributes: { to: int(elementTypes[dtype].code) },
  origin,
});

/**
 * Lets products, and what lies between them, compute in float16; sums over many numbers, loss, optimizer and states stay
 * float32 (Micikevicius et al. 2018, "Mixed Precision Training"; `rules.ts` has a rule for each operator). Every value is
 * cast once at most, however often it is read, and nothing is cast back and forth.
 * @param longestSum the most products whose sum the provider adds up well enough in float16
 */
export function mixedPrecision(graph: Graph, longestSum: number): Graph {
  const editor = new GraphEditor(graph);
  const assignment = new Assignment(editor, longestSum);
  // Casts that nothing reads go in the end.
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
