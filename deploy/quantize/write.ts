import type { OnnxFile } from '../../compiler/index.js';
import type { Ranges } from './calibrate.js';
import { OnnxEditor } from './editor.js';
import {
  activationParameters,
  quantizeBias,
  quantizeWeights,
  roundEven,
  type ActivationParameters,
  type WeightBits,
} from './numbers.js';
import { float, int, onnxNode, type AttributeValue, type OnnxNode } from './onnx-nodes.js';
import type { Plan, Scale } from './plan.js';
import type { Treatment } from './rules.js';

/** How the bytes of a tensor are written and read: alike, but for those that are a gate (see `Scale`). */
interface Parameters {
  readonly written: ActivationParameters;
  readonly read: ActivationParameters;
}

/**
 * Steps between 0 and 1 of a gate: 254 where 255 have none at its middle. A middle that is half a step off makes each layer's
 * results 0.4 % too great, and they add up; that the greatest byte then is 255 / 254 concerns few values.
 */
function gateSteps(beta: number): number {
  const off = (steps: number): number => Math.abs(steps * beta - Math.round(steps * beta));
  return off(254) < off(255) ? 254 : 255;
}

function parametersOf(scale: Scale, ranges: Ranges): Parameters {
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
 * Writes a planned model in integers: QuantizeLinear and DequantizeLinear around each operator, which runtimes take together
 * as one that computes with bytes. Each QuantizeLinear has one DequantizeLinear.
 */
export const writeQuantized = (file: OnnxFile, plan: Plan, ranges: Ranges, bits: WeightBits): OnnxFile =>
  new Writer(file, plan, ranges, bits).write();

class Writer {
  private readonly editor: OnnxEditor;
  private readonly parameters = new Map<string, Parameters>();
  /** What reads bytes as floats, by tensor. */
  private readonly readers = new Map<string, string>();
  /** Constants of parameters, by what they say. */
  private readonly constants = new Map<string, string>();

  constructor(
    file: OnnxFile,
    private readonly plan: Plan,
    ranges: Ranges,
    private readonly bits: WeightBits,
  ) {
    this.editor = new OnnxEditor(file);
    const known = new Map<Scale, Parameters>();
    for (const [name, scale] of plan.scales) {
      const found = known.get(scale);
      const parameters = found ?? parametersOf(scale, ranges);
      known.set(scale, parameters);
      // Bytes that were moved are a gate already.
      this.parameters.set(name, found === undefined ? parameters : { written: found.read, read: found.read });
      this.readers.set(name, this.readerOf(name));
    }
  }

  write(): OnnxFile {
    const { editor } = this;
    for (const node of editor.nodes) this.writeNode(node);
    for (const input of editor.inputs) if (this.parameters.has(input)) editor.prepend(...this.pair(input, input));
    return editor.toFile();
  }

  /** The tensor that the bytes of another are read into; where an output of the model is meant, that. */
  private readerOf(name: string): string {
    const alias = [...this.plan.aliases].find(([, of]) => of === name)?.[0];
    const output = [name, alias].find((one) => one !== undefined && this.editor.outputs.has(one));
    return output ?? this.editor.fresh(`${name}/dequantized`);
  }

  private read(name: string): string {
    return this.readers.get(this.plan.aliases.get(name) ?? name) ?? name;
  }

  private writeNode(node: OnnxNode): void {
    const treatment = this.plan.treatments.get(node.output[0]);
    if (treatment === 'saturated') {
      this.editor.remove(node);
      return;
    }
    const written = treatment === undefined ? this.reading(node) : this.writers[treatment](node);
    // The name of an output of the model is that of what is read from the bytes.
    const output = node.output.map((name) =>
      this.readers.get(name) === name ? this.editor.fresh(`${name}/float`) : name,
    );
    const pairs = node.output.flatMap((name, i) => (this.parameters.has(name) ? this.pair(name, output[i]) : []));
    const after = { ...written.node, output };
    this.editor.replace(node, ...written.before, after, ...pairs);
  }

  private readonly writers: {
    readonly [K in Exclude<Treatment, 'saturated'>]: (node: OnnxNode) => Written;
  } = {
    products: (node) => this.products(node),
    scores: (node) => this.products(node),
    bytes: (node) => this.reading(node),
    moved: (node) => this.reading(node),
    // The identity between two scales: ONNX Runtime makes a table from byte to byte of it.
    'looked-up': (node) => ({
      before: [],
      node: {
        ...onnxNode('LeakyRelu', [this.read(node.input[0])], node.output, { alpha: float(1) }),
        name: node.name,
      },
    }),
  };

  /** The node, reading what is read from bytes; numbers among its inputs are bytes, too, where it computes with such. */
  private reading(node: OnnxNode): Written {
    const before: OnnxNode[] = [];
    const isInteger = this.plan.treatments.get(node.output[0]) === 'bytes';
    const input = node.input.map((name) => {
      const values = isInteger ? this.editor.floats(name) : undefined;
      if (values === undefined) return this.read(name);
      const [reader, made] = this.number(name, values);
      before.push(made);
      return reader;
    });
    return { before, node: { ...node, input } };
  }

  private number(name: string, values: Float32Array): readonly [string, OnnxNode] {
    // Not spread into arguments, of which there may be too many.
    const low = values.reduce((least, value) => Math.min(least, value), Infinity);
    const high = values.reduce((greatest, value) => Math.max(greatest, value), -Infinity);
    const { scale, zero } = activationParameters([low, high]);
    const dims = this.editor.dims(name) ?? [];
    const bytes = Uint8Array.from(values, (value) => roundEven(value / scale) + zero);
    const quantized = this.editor.addConstant(`${name}/quantized`, dims, bytes);
    const reader = this.editor.fresh(`${name}/dequantized`);
    return [reader, madeFor('DequantizeLinear', [quantized, ...this.scaleAndZero({ scale, zero })], reader)];
  }

  private products(node: OnnxNode): Written {
    const [x, weights, bias = ''] = node.input;
    const inputScale = this.parameters.get(this.plan.aliases.get(x) ?? x)?.read.scale;
    const values = this.editor.floats(weights);
    const dims = this.editor.dims(weights);
    if (inputScale === undefined || values === undefined || dims === undefined)
      throw new Error(`internal: '${node.name}' was planned otherwise`);
    const shift = this.editor.floats(bias);
    const axis = node.opType === 'MatMul' ? dims.length - 1 : 0;
    const { q, scale } = quantizeWeights(values, dims, axis, { bits: this.bits, bias: shift, inputScale });
    const before = [this.constantReader(weights, dims, q, scale, axis)];
    const input = [this.read(x), before[0].output[0]];
    if (shift !== undefined) {
      const quantized = quantizeBias(shift, inputScale, scale);
      const reader = this.constantReader(bias, [shift.length], quantized.q, quantized.scale, 0);
      before.push(reader);
      input.push(reader.output[0]);
    }
    return { before, node: { ...node, input } };
  }

  /** Reads quantized constants, with a scale for each channel along the axis. */
  private constantReader(
    name: string,
    dims: readonly number[],
    q: Int8Array | Int32Array,
    scale: Float32Array,
    axis: number,
  ): OnnxNode {
    const { editor } = this;
    const input = [
      editor.addConstant(`${name}/quantized`, dims, q),
      editor.addConstant(`${name}/scale`, [scale.length], scale),
    ];
    if (q instanceof Int8Array)
      input.push(editor.addConstant(`${name}/zero`, [scale.length], new Int8Array(scale.length)));
    return madeFor('DequantizeLinear', input, editor.fresh(`${name}/dequantized`), { axis: int(axis) });
  }

  /** The bytes of a tensor, written and read. */
  private pair(name: string, from: string): readonly OnnxNode[] {
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

/** A node beside those of the float model, called after what it gives and what it is. */
const madeFor = (
  opType: string,
  input: readonly string[],
  output: string,
  attributes: Readonly<Record<string, AttributeValue>> = {},
): OnnxNode => ({ ...onnxNode(opType, input, [output], attributes), name: `${output}/${opType}` });

interface Written {
  /** Nodes that make what it reads. */
  readonly before: readonly OnnxNode[];
  readonly node: OnnxNode;
}
