import { type NasError, invalidInput } from '../../base/errors.js';
import { samePadding } from '../../base/same-padding.js';
import {
  answerOf,
  floatOf,
  intOf,
  intsOf,
  isPlainProduct,
  nodeLabel,
  reducedAxes,
  scalarFunctions,
  windowOf,
  zerosAround,
  type Affine,
  type NewHead,
  type OnnxNode,
  type ReadFile,
} from '../../compiler/index.js';
import type { LayerActivation, Padding } from '../../spaces/index.js';
import { permuted, type WeightValue } from '../../spaces/models/index.js';
import { agree, functionOf, identity, known, type Scalar } from './functions.js';

interface Base {
  /** Operator and name of its node. */
  readonly node: string;
  /** Positions of the layers that it reads. */
  readonly inputs: readonly number[];
}

/** A layer with a kernel in our layout. */
export interface KernelLayer extends Base {
  readonly kind: 'conv' | 'depthwise' | 'dense';
  readonly kernel: number;
  readonly stride: 1 | 2;
  /** Null where the paddings are the same. */
  readonly padding: Padding | null;
  readonly weight: WeightValue;
  readonly bias: Float32Array | null;
}

export interface NormLayer extends Base {
  readonly kind: 'batch_norm';
  readonly epsilon: number;
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

export interface ActivationLayer extends Base {
  readonly kind: 'activation';
  readonly act: LayerActivation;
}

export interface MaxPoolLayer extends Base {
  readonly kind: 'max_pool';
  readonly kernel: number;
  readonly stride: 1 | 2;
  /** Null where the paddings are the same. */
  readonly padding: Padding | null;
}

interface PlainLayer extends Base {
  readonly kind: 'image' | 'global_pool' | 'add' | 'multiply';
}

/** A layer of a file in the terms of our networks. */
export type FoundLayer = KernelLayer | NormLayer | ActivationLayer | MaxPoolLayer | PlainLayer;

/** A value of the file: a function of each element of a layer's output, not yet known as an activation. */
interface FoundValue {
  readonly layer: number;
  readonly of: Scalar;
  /** Operators that the function consists of. */
  readonly ops: readonly string[];
  /** Whether channels are the last axis. */
  readonly isLast: boolean;
  /** Zeros around a map that the next convolution reads: top, left, bottom, right. */
  readonly pads?: readonly number[];
  /** Of the images: what the file computes of each channel. */
  readonly affine?: Affine;
}

/** The layers of a file, and what it computes of its images before them. */
export interface FoundLayers {
  readonly layers: readonly FoundLayer[];
  readonly images: Affine;
}

/** Operators that move values of vectors, or do nothing in inference. */
const moving = new Set(['Cast', 'Dropout', 'Flatten', 'Identity', 'Reshape', 'Squeeze', 'Transpose', 'Unsqueeze']);

/** Operators of two operands. */
const combining = new Set(['Add', 'Sub', 'Mul', 'Div', 'Min', 'Max']);

/** The error for a file with a part that our networks lack. */
export const unlike = (where: string, node: string, what: string): NasError =>
  invalidInput(`${where} is no network of a space: ${node} ${what}`, {
    hint: 'Weights are taken from networks of inverted residuals (MobileNetV2 to V4, MNASNet, EfficientNet), separable convolutions (MobileNetV1) and residual blocks (ResNet); any ONNX classifier can be a teacher.',
  });

/** Output channels of a layer with a kernel. */
const channelsOf = ({ kind, weight: { shape } }: KernelLayer): number =>
  shape[{ conv: 3, depthwise: 2, dense: 1 }[kind]];

const shownNode = (node: OnnxNode): string => `${node.op} '${nodeLabel(node)}'`;

/** Reads the graph of a classifier as a list of our layers. */
class Reader {
  readonly layers: FoundLayer[] = [{ kind: 'image', node: 'the image', inputs: [] }];
  private readonly values = new Map<string, FoundValue>();
  private readonly activated = new Map<string, number>();
  private images: Affine;

  constructor(
    private readonly file: ReadFile,
    private readonly answer: OnnxNode | null,
    private readonly where: string,
  ) {
    const isLast = file.layout === 'NHWC';
    const channels = file.input[2];
    this.images = { scale: new Float64Array(channels).fill(1), shift: new Float64Array(channels) };
    this.values.set(file.graph.inputs[0].name, { layer: 0, of: identity, ops: [], isLast, affine: this.images });
  }

  read(head: NewHead | null): FoundLayers {
    const { graph, nodes } = this.file;
    for (const node of nodes) this.values.set(node.outputs[0], this.valueOf(node));
    const last = this.value(graph.outputs[0].name);
    if (head !== null) return this.headed(last, head);
    const { kind } = this.layers[last.layer];
    if (kind !== 'dense' || last.layer !== this.layers.length - 1)
      throw unlike(this.where, this.layers[last.layer].node, 'stands at its end, not a linear layer');
    return { layers: this.layers, images: this.images };
  }

  /** A new last layer behind the mean of the last map, or behind the last vector. */
  private headed(last: FoundValue, { kernel, bias }: NewHead): FoundLayers {
    const node = this.file.nodes[this.file.nodes.length - 1];
    const found = this.layerOf(last, node);
    const from = this.isVector(found)
      ? found
      : this.add({ kind: 'global_pool', node: 'the last mean', inputs: [found] }, false).layer;
    this.addDense(node, from, { shape: [kernel.length / bias.length, bias.length], data: kernel }, bias);
    return { layers: this.layers, images: this.images };
  }

  private refuse(node: OnnxNode, what: string): never {
    throw unlike(this.where, shownNode(node), what);
  }

  private value(name: string): FoundValue {
    const value = this.values.get(name);
    if (value === undefined) throw new Error(`internal: nothing computed '${name}'`);
    return value;
  }

  private constant(name = ''): { readonly shape: readonly number[]; readonly data: Float32Array } | null {
    const { shape = [], data } = this.file.graph.constants.get(name) ?? {};
    return data instanceof Float32Array ? { shape, data } : null;
  }

  private number(name = ''): number | undefined {
    const data = this.constant(name)?.data;
    return data?.length === 1 ? data[0] : undefined;
  }

  private vector(node: OnnxNode, index: number): Float32Array {
    return this.constant(node.inputs[index])?.data ?? this.refuse(node, `has no constant for input ${index}`);
  }

  private add(layer: FoundLayer, isLast: boolean): FoundValue {
    return { layer: this.layers.push(layer) - 1, of: identity, ops: [], isLast };
  }

  /** The layer that computes a value; the function becomes an activation. */
  private layerOf(value: FoundValue, node: OnnxNode): number {
    const { layer, of, ops, pads } = value;
    if (pads !== undefined) this.refuse(node, 'reads a padded map');
    if (agree(of, identity)) return layer;
    const act = known.find(([, other]) => agree(of, other))?.[0];
    if (act === undefined)
      this.refuse(
        node,
        `reads an activation that is none of ${known.map(([name]) => name).join(', ')}: ${ops.join(', ')}`,
      );
    const key = `${act} ${layer}`;
    const at =
      this.activated.get(key) ??
      this.add({ kind: 'activation', node: ops.join(', '), inputs: [layer], act }, false).layer;
    this.activated.set(key, at);
    return at;
  }

  /** Whether a layer's output has one number for each channel. */
  private isVector(layer: number): boolean {
    const { kind, inputs } = this.layers[layer];
    if (kind === 'global_pool' || kind === 'dense') return true;
    return kind === 'activation' && this.isVector(inputs[0]);
  }

  private valueOf(node: OnnxNode): FoundValue {
    const { op, inputs } = node;
    if (node === this.answer) return this.value(inputs[0]);
    if (moving.has(op)) return this.moved(node);
    const pairwise = combining.has(op) ? scalarFunctions[op] : undefined;
    if (pairwise) return this.combined(node, pairwise);
    const of = functionOf(node, this.file.scope);
    if (of !== null) return this.applied(this.value(inputs[0]), op, of);
    if (op === 'Pad') return this.padded(node);
    if (op === 'Conv') return this.convolution(node);
    if (op === 'MaxPool') return this.maxima(node);
    if (op === 'Gemm' || op === 'MatMul') return this.dense(node);
    if (op === 'BatchNormalization') return this.norm(node);
    if (op === 'GlobalAveragePool' || op === 'ReduceMean' || this.averagesAll(node)) return this.pooled(node);
    return this.refuse(node, 'is no part of one');
  }

  private applied(value: FoundValue, op: string, of: Scalar): FoundValue {
    return { ...value, of: (x) => of(value.of(x)), ops: [...value.ops, op] };
  }

  private moved(node: OnnxNode): FoundValue {
    const value = this.value(node.inputs[0]);
    const isNoOp = node.op === 'Cast' || node.op === 'Dropout' || node.op === 'Identity';
    if (isNoOp || this.isVector(value.layer)) return value;
    const order = String(intsOf(node, 'perm'));
    if (node.op === 'Transpose' && order === (value.isLast ? '0,3,1,2' : '0,2,3,1'))
      return { ...value, isLast: !value.isLast };
    return this.refuse(node, 'moves the pixels or channels of a map');
  }

  private combined(node: OnnxNode, of: (a: number, b: number) => number): FoundValue {
    const { op, inputs } = node;
    if (inputs.length !== 2) this.refuse(node, `has ${inputs.length} inputs`);
    const [a, b] = inputs.map((name) => this.values.get(name));
    const value = a ?? b;
    if (value === undefined) return this.refuse(node, 'reads constants only');
    if (a === undefined || b === undefined) {
      const name = inputs[a === undefined ? 0 : 1];
      if (value.affine !== undefined)
        return this.scaled(node, { ...value, affine: value.affine }, name, a === undefined ? (x, c) => of(c, x) : of);
      const c = this.number(name);
      if (c === undefined) return this.withBias(node, value, name);
      return this.applied(value, op, a === undefined ? (x) => of(c, x) : (x) => of(x, c));
    }
    if (a.layer === b.layer)
      return {
        ...a,
        of: (x) => of(a.of(x), b.of(x)),
        ops: [...a.ops, ...b.ops.filter((own) => !a.ops.includes(own)), op],
      };
    if (op !== 'Add' && op !== 'Mul') this.refuse(node, 'combines two maps');
    const [first, second] = [a, b].map((each) => this.layerOf(each, node));
    const isLater = op === 'Add' ? first > second : !this.isVector(first);
    const layers = isLater ? [first, second] : [second, first];
    return this.add({ kind: op === 'Add' ? 'add' : 'multiply', node: shownNode(node), inputs: layers }, a.isLast);
  }

  /** The images, each channel scaled and shifted by constants; their values around a padded image would be no zeros. */
  private scaled(
    node: OnnxNode,
    { affine, ...value }: FoundValue & { readonly affine: Affine },
    name: string,
    of: (x: number, constant: number) => number,
  ): FoundValue {
    const { shape, data } = this.constant(name) ?? this.refuse(node, 'has no constant');
    const channels = affine.scale.length;
    if (data.length !== 1 && (data.length !== channels || shape.at(value.isLast ? -1 : -3) !== channels))
      this.refuse(node, 'combines the images with constants for their pixels');
    const at = (x: number) =>
      Float64Array.from(affine.scale, (scale, c) => of(scale * x + affine.shift[c], data[c % data.length]));
    const [shift, one, two] = [at(0), at(1), at(2)];
    const scale = one.map((y, c) => y - shift[c]);
    if (scale.some((a, c) => !(Math.abs(two[c] - shift[c] - 2 * a) <= 1e-9 * Math.abs(a)) || a === 0))
      this.refuse(node, 'neither scales nor shifts the images');
    if (value.pads !== undefined && shift.some((b) => b !== 0)) this.refuse(node, 'shifts a padded image');
    return { ...value, affine: { scale, shift } };
  }

  /** A number for each channel that is added to the output of a layer with a kernel is its bias. */
  private withBias(node: OnnxNode, value: FoundValue, name: string): FoundValue {
    const layer = this.layers[value.layer];
    const { shape, data: bias = null } = this.constant(name) ?? { shape: [] };
    const isBias = node.op === 'Add' && agree(value.of, identity) && 'bias' in layer && layer.bias === null;
    if (!isBias || bias?.length !== channelsOf(layer))
      return this.refuse(node, 'combines a map with several constants');
    const behind = layer.kind === 'dense' || value.isLast ? 1 : 3;
    if (shape.at(-behind) !== bias.length) return this.refuse(node, 'combines a map with constants for its pixels');
    this.layers[value.layer] = { ...layer, bias };
    return value;
  }

  private padded(node: OnnxNode): FoundValue {
    const value = this.value(node.inputs[0]);
    const pads = zerosAround(this.file.scope, node, value.isLast ? 1 : 2);
    if (pads === undefined || value.pads !== undefined) this.refuse(node, 'pads by other values than zeros');
    return { ...value, pads };
  }

  private convolution(node: OnnxNode): FoundValue {
    const { pads: before = [0, 0, 0, 0], affine = this.images, ...value } = this.value(node.inputs[0]);
    this.images = affine;
    const weight = this.constant(node.inputs[1]) ?? this.refuse(node, 'has filters that are no constant');
    const bias = node.inputs[2] ? this.vector(node, 2) : null;
    const [out, inputs, ...sides] = weight.shape;
    const groups = intOf(node, 'group', 1);
    const from = this.layerOf(value, node);
    if (this.isVector(from) && sides.every((side) => side === 1) && groups === 1)
      return this.addDense(node, from, permuted({ shape: [out, inputs], data: weight.data }, [1, 0]), bias);
    const isDepthwise = groups > 1 && groups === out && inputs === 1;
    if (groups > 1 && !isDepthwise) this.refuse(node, `has ${groups} groups`);
    const window = this.window(node, before, sides);
    const order = isDepthwise ? [2, 3, 0, 1] : [2, 3, 1, 0];
    return this.add(
      {
        kind: isDepthwise ? 'depthwise' : 'conv',
        node: shownNode(node),
        inputs: [from],
        ...window,
        weight: permuted(weight, order),
        bias,
      },
      value.isLast,
    );
  }

  /**
   * The window of a convolution or pool.
   * @param before zeros around its input: top, left, bottom, right
   * @param sides of its filters; absent: the node has them
   */
  private window(node: OnnxNode, before: readonly number[], sides?: readonly number[]) {
    const map = this.mapOf(node);
    const window = windowOf(node, map, sides);
    if (window === undefined || map.some((side) => !Number.isInteger(side)))
      return this.refuse(node, 'has no window of known size');
    const {
      kernel: [kernel, width],
      strides: [stride, across],
      dilations,
      pads,
    } = window;
    if (kernel !== width || kernel % 2 === 0) this.refuse(node, `has a kernel of ${kernel} x ${width}`);
    if (stride !== across || (stride !== 1 && stride !== 2))
      return this.refuse(node, `has strides ${stride} and ${across}`);
    if (dilations.some((step) => step !== 1)) this.refuse(node, 'has dilations');
    const whole = pads.map((own, i) => own + before[i]);
    const fits = (padding: Padding): boolean =>
      [0, 1].every((axis) => {
        const size = map[axis] - before[axis] - before[axis + 2];
        return (
          String(padding === 'same' ? samePadding(size, kernel, stride) : [kernel >> 1, kernel >> 1]) ===
          String([whole[axis], whole[axis + 2]])
        );
      });
    const [same, symmetric] = [fits('same'), fits('symmetric')];
    if (!same && !symmetric) this.refuse(node, `has pads [${whole.join(', ')}]`);
    const padding: Padding | null = same && symmetric ? null : same ? 'same' : 'symmetric';
    return { kernel, stride, padding } as const;
  }

  /** Pools do not count what lies outside of their map, so a padded one differs. */
  private maxima(node: OnnxNode): FoundValue {
    const value = this.value(node.inputs[0]);
    const from = this.layerOf(value, node);
    if (intOf(node, 'ceil_mode', 0) !== 0) this.refuse(node, 'rounds its size up');
    const window = this.window(node, [0, 0, 0, 0]);
    return this.add({ kind: 'max_pool', node: shownNode(node), inputs: [from], ...window }, value.isLast);
  }

  private addDense(node: OnnxNode, from: number, weight: WeightValue, bias: Float32Array | null): FoundValue {
    const shape = { kernel: 1, stride: 1, padding: null } as const;
    return this.add({ kind: 'dense', node: shownNode(node), inputs: [from], ...shape, weight, bias }, false);
  }

  private dense(node: OnnxNode): FoundValue {
    const from = this.layerOf(this.value(node.inputs[0]), node);
    if (!this.isVector(from)) this.refuse(node, 'reads all pixels of a map');
    const weight = this.constant(node.inputs[1]) ?? this.refuse(node, 'has weights that are no constant');
    if (!isPlainProduct(node) || weight.shape.length !== 2) this.refuse(node, 'is no plain product');
    const isTurned = intOf(node, 'transB', 0) === 1;
    const order = isTurned ? [1, 0] : [0, 1];
    return this.addDense(node, from, permuted(weight, order), node.inputs[2] ? this.vector(node, 2) : null);
  }

  private norm(node: OnnxNode): FoundValue {
    const value = this.value(node.inputs[0]);
    const from = this.layerOf(value, node);
    if (this.isVector(from)) this.refuse(node, 'normalises a vector');
    const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((index) => this.vector(node, index));
    // Files have it in float32.
    const epsilon = Number(floatOf(node, 'epsilon', 1e-5).toPrecision(7));
    return this.add(
      { kind: 'batch_norm', node: shownNode(node), inputs: [from], epsilon, gamma, beta, mean, variance },
      value.isLast,
    );
  }

  /** Height and width of the map that a node reads. */
  private mapOf({ inputs }: OnnxNode): number[] {
    return (this.file.graph.types.get(inputs[0])?.shape ?? []).slice(2).map(Number);
  }

  /** Whether a node is an average pool as large as its map. */
  private averagesAll(node: OnnxNode): boolean {
    const map = this.mapOf(node);
    const { kernel, pads = [1] } = (node.op === 'AveragePool' && windowOf(node, map)) || {};
    return String(kernel) === String(map) && pads.every((pad) => pad === 0);
  }

  private pooled(node: OnnxNode): FoundValue {
    const value = this.value(node.inputs[0]);
    const from = this.layerOf(value, node);
    if (this.isVector(from)) this.refuse(node, 'averages a vector');
    if (node.op === 'ReduceMean' && reducedAxes(this.file.scope, node, 4) !== (value.isLast ? '1,2' : '2,3'))
      this.refuse(node, 'averages other axes than height and width');
    return this.add({ kind: 'global_pool', node: shownNode(node), inputs: [from] }, false);
  }
}

/**
 * The layers of a classifier that another program wrote, in the order of its file, in the terms of our networks. Sums, bounds
 * and products of one layer's output become the activation that they compute. What scales the images is no layer.
 * @param head the last layer, where the file ends with the features that it reads
 * @throws NasError `invalid-input` with the node that no network of a space has
 */
export const readLayers = (file: ReadFile, where: string, head: NewHead | null = null): FoundLayers =>
  new Reader(file, answerOf(file).node, where).read(head);
