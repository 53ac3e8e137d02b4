import type { OnnxFile } from '../../compiler/index.js';
import { OnnxEditor } from './editor.js';
import type { Range } from './numbers.js';
import { floatOf, nodeLabel, operatorOf, type OnnxNode } from './onnx-nodes.js';
import { boundsOf, ruleOf, type Treatment } from './rules.js';

/** How bytes of a tensor get their scale. */
export type Scale =
  /** From the values of a tensor of the float model, cut to what is of use. */
  | { readonly kind: 'observed'; readonly tensor: string; readonly within: Range }
  /**
   * They are hardSigmoid(x) = clip(alpha x + beta, 0, 1): written as x, at the scale at which saturation is the clip, and read
   * as what lies between 0 and 1.
   */
  | { readonly kind: 'gate'; readonly alpha: number; readonly beta: number };

/** A float operator that stays, and why. */
export interface FloatOperator {
  readonly operator: string;
  /** Its node's name, or what it gives where it has none. */
  readonly node: string;
  readonly reason: string;
}

/** What becomes of a float model in integers; tensors and nodes by name, a node by that of its first output. */
export interface Plan {
  /** Nodes that compute in integers, or are of no use any more. */
  readonly treatments: ReadonlyMap<string, Treatment>;
  /** Tensors that are bytes, in the order in which they are made. Those that share a scale have the same object. */
  readonly scales: ReadonlyMap<string, Scale>;
  /** What saturation computes: results of nodes that are gone, by the tensor whose bytes they are. */
  readonly aliases: ReadonlyMap<string, string>;
  readonly floats: readonly FloatOperator[];
}

/** The tensors whose ranges a plan needs. */
export const observedBy = ({ scales }: Plan): readonly string[] => [
  ...new Set([...scales.values()].flatMap((scale) => (scale.kind === 'observed' ? [scale.tensor] : []))),
];

/** Plans the integers of a model that is prepared. */
export const planOf = (file: OnnxFile): Plan => new Planner(new OnnxEditor(file)).plan();

/** Where a function that multiplies its argument ends: below it the product is (next to) zero. */
const endsBelow: Readonly<Record<string, (node: OnnxNode) => number>> = {
  HardSigmoid: (node) => -floatOf(node, 'beta', 0.5) / floatOf(node, 'alpha', 0.2),
  // x sigmoid(x) is -0.0027 at -8.
  Sigmoid: () => -8,
};

/** Operators whose results are no floats. */
const measuring: ReadonlySet<string> = new Set(['Shape', 'Size', 'ArgMax', 'ArgMin']);

class Planner {
  private readonly treatments = new Map<string, Treatment>();
  private readonly floats: FloatOperator[] = [];
  private readonly aliases = new Map<string, string>();
  /** The node whose saturation a tensor's bytes are, by the tensor. */
  private readonly saturated = new Map<string, OnnxNode>();
  /** Float tensors that are no constants. */
  private readonly activations: Set<string>;
  /** Tensors that integer operators make, and those that they read. */
  private readonly made = new Set<string>();
  private readonly bytes = new Set<string>();

  constructor(private readonly editor: OnnxEditor) {
    this.activations = new Set(editor.inputs);
  }

  plan(): Plan {
    for (const node of this.editor.nodes) this.treat(node);
    const scales = new Map<string, Scale>();
    // Moved bytes keep the scale of those that they were, which comes first.
    for (const name of this.bytes) scales.set(name, this.movedFrom(name, scales) ?? this.scaleOf(name));
    return { treatments: this.treatments, scales, aliases: this.aliases, floats: this.floats };
  }

  private treat(node: OnnxNode): void {
    const activations = node.input.filter((name) => this.activations.has(name));
    if (activations.length === 0) return;
    if (!measuring.has(node.opType)) for (const name of node.output) this.activations.add(name);
    const rule = ruleOf(operatorOf(node));
    const verdict = rule({
      node,
      editor: this.editor,
      isActivation: (name) => this.activations.has(name),
      isBytes: (name) => this.made.has(name),
      source: this.sourceOf(node),
    });
    if (verdict === null) return;
    if (typeof verdict === 'object') {
      this.floats.push({ operator: node.opType, node: nodeLabel(node), reason: verdict.float });
      return;
    }
    this.treatments.set(node.output[0], verdict);
    if (verdict === 'saturated') this.saturate(node);
    else for (const name of activations) this.bytes.add(this.bytesOf(name));
    if (verdict === 'scores') return;
    for (const name of node.output.filter((output) => output !== '')) {
      this.made.add(name);
      if (verdict !== 'saturated') this.bytes.add(name);
    }
  }

  private bytesOf(name: string): string {
    return this.aliases.get(name) ?? name;
  }

  private saturate(node: OnnxNode): void {
    const [input] = node.input;
    this.aliases.set(node.output[0], input);
    this.saturated.set(this.sourceOf(node) ?? input, node);
  }

  /**
   * The tensor that an integer operator writes and this node alone reads, perhaps after its bytes were moved: its saturation
   * can do what the node does. None where it does so for another node already.
   */
  private sourceOf({ input: [name] }: OnnxNode): string | null {
    const producer = this.editor.producer(name);
    if (producer === undefined || this.editor.only(name) === undefined) return null;
    if (this.saturated.has(name) || producer.output.length > 1) return null;
    const treatment = this.treatments.get(producer.output[0]);
    if (treatment === 'moved') return this.sourceOf(producer);
    return treatment === 'products' || treatment === 'bytes' ? name : null;
  }

  private movedFrom(name: string, scales: ReadonlyMap<string, Scale>): Scale | undefined {
    const producer = this.editor.producer(name);
    if (producer === undefined || this.treatments.get(producer.output[0]) !== 'moved') return undefined;
    return scales.get(this.bytesOf(producer.input[0]));
  }

  private scaleOf(name: string): Scale {
    const by = this.saturated.get(name) ?? this.editor.producer(name);
    if (by?.opType === 'HardSigmoid' && this.treatments.has(by.output[0]))
      return { kind: 'gate', alpha: floatOf(by, 'alpha', 0.2), beta: floatOf(by, 'beta', 0.5) };
    const tensor = this.saturated.get(name)?.output[0] ?? name;
    const [low, high] = by === undefined ? [-Infinity, Infinity] : (boundsOf(by, this.editor) ?? [-Infinity, Infinity]);
    return { kind: 'observed', tensor, within: [Math.max(low, this.endOf(tensor)), high] };
  }

  /** The number below which nothing of a tensor is of use, since it is only read to be multiplied with a gate of itself. */
  private endOf(name: string): number {
    const readers = this.editor.consumers(name);
    const gates = readers.filter(({ opType }) => opType in endsBelow);
    const products = readers.filter(({ opType, input }) => {
      const other = input.find((one) => one !== name);
      return opType === 'Mul' && gates.some(({ output }) => output[0] === other);
    });
    if (gates.length === 0 || gates.length + products.length < readers.length) return -Infinity;
    // A gate that others read, too, is as good at zero as where it ends.
    return Math.min(...gates.map((gate) => endsBelow[gate.opType](gate)));
  }
}
