import {
  float,
  GraphEditor,
  int,
  nodeLabel,
  type NewNode,
  type OnnxGraph,
  type OnnxNode,
} from '../../compiler/index.js';
import {
  activationParameters,
  clamp,
  quantizeBias,
  quantizeWeights,
  roundEven,
  type ActivationParameters,
  type Ranges,
  type WeightBits,
} from './numbers.js';
import type { Plan, ScaleSource, Treatment } from './plan.js';
import { named, type Editor } from './prepare/values.js';

/** How the bytes of a tensor are written and read: with the same scale, except for a gate (see `ScaleSource`). */
interface Parameters {
  readonly written: ActivationParameters;
  readonly read: ActivationParameters;
}

/**
 * Steps between 0 and 1 of a gate: 254, because 255 steps have none at 0.5. With half a step of error at 0.5, each layer's
 * results are 0.4 % too large, and the errors add up. The largest byte is then 255 / 254, which concerns few values.
 */
function gateSteps(beta: number): number {
  const off = (steps: number): number => Math.abs(steps * beta - Math.round(steps * beta));
  return off(254) < off(255) ? 254 : 255;
}

function parametersOf(scale: ScaleSource, ranges: Ranges): Parameters {
  if (scale.kind === 'gate') {
    const { alpha, beta } = scale;
    const steps = gateSteps(beta);
    return {
      written: { scale: Math.fround(1 / (steps * alpha)), zero: Math.round(steps * beta) },
      read: { scale: Math.fround(1 / steps), zero: 0 },
    };
  }
  const [low, high] = ranges.range(scale.tensor);
  const [least, greatest] = scale.within;
  const parameters = activationParameters([Math.max(low, least), Math.min(high, greatest)]);
  return { written: parameters, read: parameters };
}

/**
 * Writes a planned model in integers: QuantizeLinear and DequantizeLinear around each operator, which runtimes fuse into
 * one operator on bytes. Each QuantizeLinear has one DequantizeLinear.
 */
export const writeQuantized = (graph: OnnxGraph, plan: Plan, ranges: Ranges, bits: WeightBits): OnnxGraph =>
  new QdqWriter(graph, plan, ranges, bits).write();

class QdqWriter {
  private readonly editor: Editor;
  private readonly parameters = new Map<string, Parameters>();
  /** Quantized tensor → the tensor that its bytes are dequantized to. */
  private readonly readers = new Map<string, string>();
  /** Constants of scales and zero points, by name and value. */
  private readonly constants = new Map<string, string>();

  constructor(
    graph: OnnxGraph,
    private readonly plan: Plan,
    ranges: Ranges,
    private readonly bits: WeightBits,
  ) {
    this.editor = new GraphEditor<string>(graph);
    const known = new Map<ScaleSource, Parameters>();
    for (const [name, scale] of plan.scales) {
      const found = known.get(scale);
      const parameters = found ?? parametersOf(scale, ranges);
      known.set(scale, parameters);
      // Moved bytes of a gate lie between 0 and 1 already.
      this.parameters.set(name, found === undefined ? parameters : { written: found.read, read: found.read });
      this.readers.set(name, this.readerOf(name));
    }
  }

  write(): OnnxGraph {
    const { editor } = this;
    for (const node of editor.nodes()) this.writeNode(node);
    for (const input of editor.inputs) if (this.parameters.has(input)) editor.prepend(...this.pair(input, input));
    return editor.finish();
  }

  /** The dequantized form of a tensor: an output of the model, where the tensor or its alias is one. */
  private readerOf(name: string): string {
    const alias = [...this.plan.aliases].find(([, of]) => of === name)?.[0];
    const output = [name, alias].find((one) => one !== undefined && this.editor.isOutput(one));
    return output ?? this.editor.fresh(`${name}/dequantized`);
  }

  private read(name: string): string {
    return this.readers.get(this.plan.aliases.get(name) ?? name) ?? name;
  }

  private writeNode(node: OnnxNode): void {
    const treatment = this.plan.treatments.get(node.outputs[0]);
    if (treatment === 'saturated') {
      this.editor.remove(node);
      return;
    }
    const written = treatment === undefined ? this.reading(node) : this.writers[treatment](node);
    // An output of the model keeps its name for the dequantized tensor.
    const outputs = node.outputs.map((name) =>
      this.readers.get(name) === name ? this.editor.fresh(`${name}/float`) : name,
    );
    const pairs = node.outputs.flatMap((name, i) => (this.parameters.has(name) ? this.pair(name, outputs[i]) : []));
    const after = { ...written.node, outputs };
    this.editor.replace(node, ...written.before, after, ...pairs);
  }

  private readonly writers: {
    readonly [K in Exclude<Treatment, 'saturated'>]: (node: OnnxNode) => Written;
  } = {
    products: (node) => this.products(node),
    scores: (node) => this.products(node),
    bytes: (node) => this.reading(node),
    moved: (node) => this.reading(node),
    // The identity between two scales: ONNX Runtime turns it into a table from byte to byte.
    'looked-up': (node) => ({
      before: [],
      node: named(node, 'LeakyRelu', [this.read(node.inputs[0])], node.outputs, { alpha: float(1) }),
    }),
  };

  /** The node with dequantized inputs; the constants of a node on bytes are quantized too. */
  private reading(node: OnnxNode): Written {
    const before: NewNode<string>[] = [];
    const isInteger = this.plan.treatments.get(node.outputs[0]) === 'bytes';
    const inputs = node.inputs.map((name) => {
      const values = isInteger ? this.editor.floats(name) : undefined;
      if (values === undefined) return this.read(name);
      const [reader, made] = this.number(name, values);
      before.push(made);
      return reader;
    });
    return { before, node: { ...node, inputs } };
  }

  private number(name: string, values: Float32Array): readonly [string, NewNode<string>] {
    // A spread could exceed the largest number of arguments.
    const low = values.reduce((least, value) => Math.min(least, value), Infinity);
    const high = values.reduce((greatest, value) => Math.max(greatest, value), -Infinity);
    const { scale, zero } = activationParameters([low, high]);
    const bytes = Uint8Array.from(values, (value) => clamp(roundEven(value / scale) + zero, 0, 255));
    const quantized = this.editor.addConstant(`${name}/quantized`, this.editor.shapeOf(name), bytes);
    const reader = this.editor.fresh(`${name}/dequantized`);
    return [reader, madeFor('DequantizeLinear', [quantized, ...this.scaleAndZero({ scale, zero })], reader)];
  }

  private products(node: OnnxNode): Written {
    const [x, weights, bias = ''] = node.inputs;
    const inputScale = this.parameters.get(this.plan.aliases.get(x) ?? x)?.read.scale;
    const values = this.editor.floats(weights);
    const shape = this.editor.shapeOf(weights);
    if (inputScale === undefined || values === undefined)
      throw new Error(`internal: '${nodeLabel(node)}' does not match its plan`);
    const shift = this.editor.floats(bias);
    const axis = node.op === 'MatMul' ? shape.length - 1 : 0;
    const { q, scale } = quantizeWeights(values, shape, axis, { bits: this.bits, bias: shift, inputScale });
    const before = [this.constantReader(weights, shape, q, scale, axis)];
    const inputs = [this.read(x), before[0].outputs[0]];
    if (shift !== undefined) {
      const quantized = quantizeBias(shift, inputScale, scale);
      const reader = this.constantReader(bias, [shift.length], quantized.q, quantized.scale, 0);
      before.push(reader);
      inputs.push(reader.outputs[0]);
    }
    return { before, node: { ...node, inputs } };
  }

  /** Dequantizes quantized constants, with a scale for each channel along the axis. */
  private constantReader(
    name: string,
    shape: readonly number[],
    q: Int8Array | Int32Array,
    scale: Float32Array,
    axis: number,
  ): NewNode<string> {
    const { editor } = this;
    const inputs = [
      editor.addConstant(`${name}/quantized`, shape, q),
      editor.addConstant(`${name}/scale`, [scale.length], scale),
    ];
    if (q instanceof Int8Array)
      inputs.push(editor.addConstant(`${name}/zero`, [scale.length], new Int8Array(scale.length)));
    return madeFor('DequantizeLinear', inputs, editor.fresh(`${name}/dequantized`), { axis: int(axis) });
  }

  /** Quantizes a tensor and dequantizes it again. */
  private pair(name: string, from: string): readonly NewNode<string>[] {
    const parameters = this.parameters.get(name);
    const reader = this.readers.get(name);
    if (parameters === undefined || reader === undefined) throw new Error(`internal: '${name}' has no scale`);
    const bytes = this.editor.fresh(`${name}/quantized`);
    return [
      madeFor('QuantizeLinear', [from, ...this.scaleAndZero(parameters.written)], bytes),
      madeFor('DequantizeLinear', [bytes, ...this.scaleAndZero(parameters.read)], reader),
    ];
  }

  private scaleAndZero({ scale, zero }: ActivationParameters): readonly [string, string] {
    return [
      this.constant(`scale ${scale}`, Float32Array.of(scale)),
      this.constant(`zero ${zero}`, Uint8Array.of(zero)),
    ];
  }

  private constant(name: string, value: Float32Array | Uint8Array): string {
    const known = this.constants.get(name);
    if (known !== undefined) return known;
    const added = this.editor.addConstant(name, [], value);
    this.constants.set(name, added);
    return added;
  }
}

/** A new node, named after its output and operator. */
const madeFor = (
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: NewNode['attributes'] = {},
): NewNode<string> => ({ op, inputs, outputs: [output], attributes, name: `${output}/${op}` });

interface Written {
  /** Nodes that compute its inputs. */
  readonly before: readonly NewNode<string>[];
  readonly node: NewNode<string>;
}
