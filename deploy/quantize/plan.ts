import {
  boundsOf,
  GraphEditor,
  hardSigmoidOf,
  int,
  intOf,
  isPlainProduct,
  nodeLabel,
  onnxName,
  textOf,
  type OnnxGraph,
  type OnnxNode,
} from '../../compiler/index.js';
import type { Range } from './numbers.js';
import { isOnePixel, named, type Editor } from './prepare/values.js';

/**
 * How a node computes in integers.
 * - `products`: sums of products of bytes with constant weights of 8 bits, and a bias of 32
 * - `scores`: the same, but the sums stay floats, since nothing reads them in bytes
 * - `bytes`: bytes in, bytes out, each with a scale of its own
 * - `moved`: bytes move unchanged and keep their scale
 * - `saturated`: the node is removed; the operator that computes its input saturates where the node would clip
 * - `looked-up`: bytes in, bytes out, by a table
 */
export type Treatment = 'products' | 'scores' | 'bytes' | 'moved' | 'saturated' | 'looked-up';

/** How bytes of a tensor get their scale. */
export type ScaleSource =
  /** From the values of a tensor of the float model, clipped to the useful range `within`. */
  | { readonly kind: 'observed'; readonly tensor: string; readonly within: Range }
  /**
   * The tensor is hardSigmoid(x) = clip(alpha x + beta, 0, 1): written as x, at the scale at which saturation is the clip,
   * and read as a number between 0 and 1.
   */
  | { readonly kind: 'gate'; readonly alpha: number; readonly beta: number };

/** A float operator that stays, and why. */
export interface FloatOperator {
  readonly operator: string;
  /** The node's name; without one, the name of its first output. */
  readonly node: string;
  readonly reason: string;
}

/** How a float model is written in integers. Tensors have their names, and a node the name of its first output. */
export interface Plan {
  /** Nodes that compute in integers, or are removed. */
  readonly treatments: ReadonlyMap<string, Treatment>;
  /** Quantized tensors, in the order in which they are computed. Tensors that share a scale have the same object. */
  readonly scales: ReadonlyMap<string, ScaleSource>;
  /** Output of a removed Relu, Clip or HardSigmoid → the quantized tensor that replaces it. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly floats: readonly FloatOperator[];
  /** The tensor of float scores; null where no operator has the treatment. */
  readonly scores: string | null;
}

/** The tensors whose ranges a plan needs. */
export const observedBy = ({ scales, scores }: Plan): readonly string[] => [
  ...new Set([
    ...[...scales.values()].flatMap((scale) => (scale.kind === 'observed' ? [scale.tensor] : [])),
    ...(scores === null ? [] : [scores]),
  ]),
];

/** Softmaxes read scores as floats: probabilities need finer steps than a byte has. */
const softmaxes: ReadonlySet<string> = new Set(['Softmax', 'LogSoftmax']);

/** Whether a tensor stays float: it is an output of the model, or only a softmax reads it. */
function areScores(editor: Editor, name: string): boolean {
  const reader = editor.only(name);
  return editor.isOutput(name) || (reader !== undefined && softmaxes.has(reader.op));
}

/**
 * Turns a last layer that is a convolution of one pixel into a matrix product: runtimes can sum integers to floats for
 * matrices only. Scores are then not rounded to 256 steps, in which the best two classes would sometimes be equal.
 */
export function scoresAsMatrix(graph: OnnxGraph): OnnxGraph {
  const editor = new GraphEditor<string>(graph);
  for (const flat of editor.nodes()) {
    const [name] = flat.outputs;
    if (flat.op !== 'Flatten' || intOf(flat, 'axis', 1) !== 1 || !areScores(editor, name)) continue;
    const conv = editor.producer(flat.inputs[0]);
    if (conv?.op !== 'Conv' || editor.only(flat.inputs[0]) !== flat) continue;
    const [image, kernel, bias = ''] = conv.inputs;
    const [classes, channels, ...window] = editor.shapeOf(kernel);
    const weights = editor.floats(kernel);
    if (weights === undefined || (bias !== '' && editor.floats(bias) === undefined)) continue;
    if (window.some((size) => size !== 1) || intOf(conv, 'group', 1) !== 1) continue;
    if (![image, flat.inputs[0]].every((tensor) => isOnePixel(editor.shape(tensor)))) continue;
    const matrix = editor.addConstant(`${kernel}/matrix`, [classes, channels], weights);
    const vectors = editor.fresh(`${image}/vectors`);
    const inputs = [vectors, matrix, ...(bias === '' ? [] : [bias])];
    editor.remove(flat);
    editor.replace(
      conv,
      { op: 'Flatten', inputs: [image], outputs: [vectors], attributes: { axis: int(1) } },
      named(conv, 'Gemm', inputs, [name], { transB: int(1) }),
    );
  }
  return editor.finish();
}

/** A node in the order of the graph; the treatment of the nodes before it is decided. */
interface Case {
  readonly node: OnnxNode;
  readonly editor: Editor;
  /** Whether a tensor holds floats that depend on the image. */
  readonly isActivation: (name: string) => boolean;
  /** Whether a tensor exists in bytes. */
  readonly isBytes: (name: string) => boolean;
  /** The tensor whose saturation can replace the node; null if there is none. */
  readonly source: string | null;
}

/** The treatment; why the node stays float; or null for a node that computes nothing. */
type Verdict = Treatment | { readonly float: string } | null;
type TreatmentRule = (it: Case) => Verdict;

const float = (reason: string): TreatmentRule => {
  const verdict = { float: reason };
  return () => verdict;
};

const floatInput: Verdict = { float: 'its input is float' };

/** `fits` says whether the operator has an integer kernel for weights of this shape. */
const products =
  (fits: (shape: readonly number[]) => boolean): TreatmentRule =>
  ({ node: { inputs }, editor }) => {
    const weights = editor.constant(inputs[1]);
    if (!(weights?.data instanceof Float32Array)) return { float: 'its weights are not float32 constants' };
    const { shape } = weights;
    if (!fits(shape)) return { float: `there is no integer kernel for weights [${shape.join(', ')}]` };
    return !inputs[2] || editor.floats(inputs[2]) ? 'products' : { float: 'its bias is not constant' };
  };

const bytes: TreatmentRule = ({ node: { inputs }, isBytes }) => (inputs.some(isBytes) ? 'bytes' : floatInput);

/** Products of weights by row, whose sums nothing reads in bytes. */
const scores: TreatmentRule = (it) => {
  const { node, editor } = it;
  const isByRow = isPlainProduct(node) && intOf(node, 'transB', 0) === 1;
  if (!isByRow || !areScores(editor, node.outputs[0])) return { float: 'there is no integer kernel for it' };
  return products(({ length }) => length === 2)(it) === 'products'
    ? 'scores'
    : { float: 'its weights are not constant' };
};

/** Of two activations, or of one and a number: constants that differ by channel are too coarse with one scale for all. */
const arithmetic: TreatmentRule = (it) => {
  const { node, editor, isActivation } = it;
  const constants = node.inputs.filter((name) => !isActivation(name));
  return constants.every((name) => editor.floats(name)?.length === 1)
    ? bytes(it)
    : { float: 'its constants differ by channel, and bytes have one scale' };
};

/** What only moves numbers computes nothing, in floats as in bytes. */
const moved: TreatmentRule = ({ node: { inputs }, isBytes }) => (isBytes(inputs[0]) ? 'moved' : null);

/** Nearest neighbours are pixels of the image. */
const resized: TreatmentRule = (it) =>
  textOf(it.node, 'mode', 'nearest') === 'nearest' ? moved(it) : { float: 'it interpolates between pixels' };

/** The greatest of bytes is the byte of the greatest. */
const maximum: TreatmentRule = (it) => {
  if (it.node.outputs.filter((name) => name !== '').length > 1) return { float: 'it also returns indices' };
  return moved(it) ?? floatInput;
};

/** The numbers that a node clips to; null where they are not known, or where it does not clip. */
function clippedTo(node: OnnxNode, editor: Editor): Range | null {
  // Its argument is stored as the gate's bytes; see `ScaleSource`.
  if (node.op === 'HardSigmoid') return [0, 1];
  return boundsOf(editor, node) ?? null;
}

/** Saturation does what bounds on both sides of zero (or at zero) do. */
const saturating: TreatmentRule = ({ node, editor, source, isBytes }) => {
  if (!isBytes(node.inputs[0])) return floatInput;
  const bounds = clippedTo(node, editor);
  if (bounds === null) return { float: 'its bounds are not constant' };
  if (bounds[0] > 0 || bounds[1] < 0) return { float: 'zero is outside its bounds' };
  return source === null ? 'looked-up' : 'saturated';
};

/** A gate of a slope above zero, whose clipped ends a byte can hold. */
const hardSigmoid: TreatmentRule = (it) => {
  const { alpha, beta } = hardSigmoidOf(it.node);
  return alpha > 0 && beta >= 0 && beta <= 1 ? saturating(it) : { float: 'zero is outside its bounds' };
};

const treatmentRules: Readonly<Record<string, TreatmentRule>> = {
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
  Resize: resized,
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

/** Plans the integers of a prepared model. */
export const planOf = (graph: OnnxGraph): Plan => new Planner(new GraphEditor<string>(graph)).plan();

/** Where a function that multiplies its argument ends: below it the product is (next to) zero. */
const endsBelow: Readonly<Record<string, (node: OnnxNode) => number>> = {
  HardSigmoid: (node) => -hardSigmoidOf(node).beta / hardSigmoidOf(node).alpha,
  // x sigmoid(x) is -0.0027 at -8.
  Sigmoid: () => -8,
};

/** Operators whose results are no floats. */
const measuring: ReadonlySet<string> = new Set(['Shape', 'Size', 'ArgMax', 'ArgMin']);

class Planner {
  private readonly treatments = new Map<string, Treatment>();
  private readonly floats: FloatOperator[] = [];
  private readonly aliases = new Map<string, string>();
  /** Quantized tensor → the removed node that its saturation replaces. */
  private readonly saturated = new Map<string, OnnxNode>();
  /** Float tensors that are no constants. */
  private readonly activations: Set<string>;
  /** Tensors that integer operators compute, and tensors that they read or write in bytes. */
  private readonly computed = new Set<string>();
  private readonly bytes = new Set<string>();

  constructor(private readonly editor: Editor) {
    this.activations = new Set(editor.inputs);
  }

  plan(): Plan {
    for (const node of this.editor.nodes()) this.treat(node);
    const scales = new Map<string, ScaleSource>();
    // Moved bytes keep their scale; the tensor that they were moved from comes first.
    for (const name of this.bytes) scales.set(name, this.movedFrom(name, scales) ?? this.scaleOf(name));
    const scored = [...this.treatments].findLast(([, treatment]) => treatment === 'scores')?.[0] ?? null;
    return { treatments: this.treatments, scales, aliases: this.aliases, floats: this.floats, scores: scored };
  }

  private treat(node: OnnxNode): void {
    const activations = node.inputs.filter((name) => this.activations.has(name));
    if (activations.length === 0) return;
    if (!measuring.has(node.op)) for (const name of node.outputs) this.activations.add(name);
    const rule = Object.hasOwn(treatmentRules, node.op) ? treatmentRules[node.op] : unknown;
    const verdict = rule({
      node,
      editor: this.editor,
      isActivation: (name) => this.activations.has(name),
      isBytes: (name) => this.computed.has(name),
      source: this.sourceOf(node),
    });
    if (verdict === null) return;
    if (typeof verdict === 'object') {
      this.floats.push({ operator: onnxName(node.op).type, node: nodeLabel(node), reason: verdict.float });
      return;
    }
    this.treatments.set(node.outputs[0], verdict);
    if (verdict === 'saturated') this.saturate(node);
    else for (const name of activations) this.bytes.add(this.bytesOf(name));
    if (verdict === 'scores') return;
    for (const name of node.outputs.filter((output) => output !== '')) {
      this.computed.add(name);
      if (verdict !== 'saturated') this.bytes.add(name);
    }
  }

  private bytesOf(name: string): string {
    return this.aliases.get(name) ?? name;
  }

  private saturate(node: OnnxNode): void {
    const [input] = node.inputs;
    this.aliases.set(node.outputs[0], input);
    this.saturated.set(this.sourceOf(node) ?? input, node);
  }

  /**
   * The tensor whose saturation can replace this node: an integer operator writes it, and only this node reads it, directly
   * or after its bytes were moved. Null if it already replaces another node.
   */
  private sourceOf({ inputs: [name] }: OnnxNode): string | null {
    const producer = this.editor.producer(name);
    if (producer === undefined || this.editor.only(name) === undefined) return null;
    if (this.saturated.has(name) || producer.outputs.length > 1) return null;
    const treatment = this.treatments.get(producer.outputs[0]);
    if (treatment === 'moved') return this.sourceOf(producer);
    return treatment === 'products' || treatment === 'bytes' ? name : null;
  }

  private movedFrom(name: string, scales: ReadonlyMap<string, ScaleSource>): ScaleSource | undefined {
    const producer = this.editor.producer(name);
    if (producer === undefined || this.treatments.get(producer.outputs[0]) !== 'moved') return undefined;
    return scales.get(this.bytesOf(producer.inputs[0]));
  }

  private scaleOf(name: string): ScaleSource {
    const by = this.saturated.get(name) ?? this.editor.producer(name);
    if (by?.op === 'HardSigmoid' && this.treatments.has(by.outputs[0])) return { kind: 'gate', ...hardSigmoidOf(by) };
    const tensor = this.saturated.get(name)?.outputs[0] ?? name;
    const [low, high] = (by && clippedTo(by, this.editor)) ?? [-Infinity, Infinity];
    return { kind: 'observed', tensor, within: [Math.max(low, this.endOf(tensor)), high] };
  }

  /** The number below which no value of a tensor matters, since the tensor is only multiplied with a gate of itself. */
  private endOf(name: string): number {
    const readers = this.editor.consumers(name);
    const gates = readers.filter(({ op }) => op in endsBelow);
    const gated = readers.filter(({ op, inputs }) => {
      const other = inputs.find((one) => one !== name);
      return op === 'Mul' && gates.some(({ outputs }) => outputs[0] === other);
    });
    if (gates.length === 0 || gates.length + gated.length < readers.length) return -Infinity;
    // Below its lower end a gate is 0, so its product is, too: other readers of the gate see no difference.
    return Math.min(...gates.map((gate) => endsBelow[gate.op](gate)));
  }
}
