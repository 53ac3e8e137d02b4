import * as tf from '@tensorflow/tfjs-core';
import { invalidInput, type NasError } from '../../base/errors.js';
import { boundsOf, integersOf, nodeLabel, openSizes, sizeOf } from '../graph/index.js';
import type { Bounds, Constant, OnnxGraph, OnnxNode, Scope, Shape } from '../graph/index.js';
import { inverse, isIdentity, permute } from '../values/layout.js';
import { uniform } from '../trace/operations.js';
import { axisIn, inFileOrder, plain, withChannelsLast, type FileValue } from './value.js';

/** Returns the weight of a name in exactly this shape. */
export type WeightSource = (name: string, shape: Shape) => tf.Tensor;

/** How a weight stands in TF.js: its numbers in the file as `shape`, with the axes in another order. */
export interface Form {
  readonly shape: Shape;
  readonly order: readonly number[];
}

/** A weight of a file as a network stores it. */
export interface StoredWeight {
  readonly form: Form;
  readonly isTrainable: boolean;
}

/** A batch norm of a file, by the names of its moving statistics. */
export interface Norm {
  readonly mean: string;
  readonly variance: string;
  /** Share of the moving statistics that each batch keeps. */
  readonly momentum: number;
}

/** Mean and population variance of each channel over one batch, [channels]. */
interface BatchStatistics {
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
}

/** How a foreign network is applied. */
export interface ForeignMode {
  /** True: batch norm by the batch's own statistics, with dropout; false: moving statistics, no dropout. */
  readonly training: boolean;
  /** In training, batch norm by the moving statistics, which stay. */
  readonly frozenNorms?: boolean;
  /** In training, receives the statistics of each batch norm that is not frozen; it may assign variables. */
  readonly statistics?: (norm: Norm, batch: BatchStatistics) => void;
}

/** One application of a graph to images. */
export interface Application {
  readonly where: string;
  readonly graph: OnnxGraph;
  readonly scope: Scope;
  readonly opset: number;
  readonly mode: ForeignMode;
  /** Images of this application, and of every one where the file fixes their number. */
  readonly batch: number;
  readonly fixedBatch: number | null;
  readonly values: Map<string, FileValue>;
  readonly weights: WeightSource;
  /** Names of weights by constant, for weights whose name differs from the constant's. */
  readonly names: ReadonlyMap<string, string>;
  /** Weights by constant. While a network is read, its nodes add them; afterwards all are there. */
  readonly stored: Map<string, StoredWeight>;
  readonly isReading: boolean;
}

/** Asks for the file's own axes. */
const asInFile = ({ shape }: Constant): Form => ({ shape, order: shape.map((_, axis) => axis) });

export const storedShape = ({ shape, order }: Form): number[] => permute(shape, order);

const sameForm = (a: Form, b: Form): boolean => String([a.shape, a.order]) === String([b.shape, b.order]);

/** A tensor with a file's axes in the form of a weight. */
const formed = (tensor: tf.Tensor, { shape, order }: Form): tf.Tensor => {
  const whole = tf.reshape(tensor, [...shape]);
  return isIdentity(order) ? whole : tf.transpose(whole, [...order]);
};

/** One node of a file's graph while it is applied. */
export class Call {
  constructor(
    readonly node: OnnxNode,
    private readonly application: Application,
  ) {}

  get mode(): ForeignMode {
    return this.application.mode;
  }

  get batch(): number {
    return this.application.batch;
  }

  get fixedBatch(): number | null {
    return this.application.fixedBatch;
  }

  get opset(): number {
    return this.application.opset;
  }

  has(input: number): boolean {
    return Boolean(this.node.inputs[input]);
  }

  /** All inputs. */
  inputs(): FileValue[] {
    return this.node.inputs.map((_, i) => this.value(i));
  }

  value(input = 0): FileValue {
    const name = this.node.inputs[input] ?? '';
    const known = this.application.values.get(name);
    if (known) return known;
    const constant = this.constant(input);
    if (!constant) return this.refuse(`does not know its input ${input}, '${name}'`);
    const { data, shape } = constant;
    if (!(data instanceof Float32Array))
      return this.refuse(`reads ${constant.dtype === 'opaque' ? 'values that cannot be read' : constant.dtype}`);
    return plain(tf.tensor(data, [...shape], 'float32'));
  }

  /** The input with channels last, [N, H, W, C]. */
  maps(input = 0): tf.Tensor4D {
    const value = this.value(input);
    if (value.tensor.rank === 4) return withChannelsLast(value) as tf.Tensor4D;
    return this.refuse(
      `reads [${value.tensor.shape}], which is not [N, C, H, W]`,
      'Only two-dimensional images are trained.',
    );
  }

  /** The input with the file's axes. */
  plain(input = 0): tf.Tensor {
    return inFileOrder(this.value(input));
  }

  /** Where the axis of an attribute stands in a value. */
  axis(value: FileValue, name: string, otherwise: number): number {
    const attribute = this.node.attributes[name];
    const axis = axisIn(value, attribute?.kind === 'int' ? attribute.value : otherwise);
    return axis >= 0 ? axis : this.refuse(`has an axis that its input [${value.tensor.shape}] does not have`);
  }

  constant(input: number): Constant | undefined {
    return this.application.graph.constants.get(this.node.inputs[input] ?? '');
  }

  /** The shape of an input in the file. */
  shapeOf(input: number): Shape {
    return this.constant(input)?.shape ?? this.plain(input).shape;
  }

  /** One number that a constant holds; undefined for other inputs. */
  scalar(input: number): number | undefined {
    const data = this.constant(input)?.data;
    return data?.length === 1 ? Number(data[0]) : undefined;
  }

  /** The bounds of a Clip. */
  bounds(): Bounds {
    return boundsOf(this.application.scope, this.node) ?? this.refuse('has a bound that is computed');
  }

  /**
   * Whole numbers of an input, or of the attribute that held them in earlier opsets; undefined where neither is given. Open
   * sizes have the values of this batch.
   */
  integers(input: number, attribute = ''): readonly number[] | undefined {
    const given = integersOf(this.application.scope, this.node, input, attribute);
    if (given === undefined) return undefined;
    // Multiples of the first open size are multiples of the batch; 2^63 - 1, which means the end of an axis, is smaller.
    const found = given?.map((size) => (size >= openSizes[0] ? (size / openSizes[0]) * this.batch : size));
    if (found && !found.some(Number.isNaN)) return found;
    return this.refuse(
      `needs numbers ('${this.node.inputs[input]}') that depend on more than the size of the images`,
      'Export the model for one size of images, with constant folding.',
    );
  }

  /**
   * A weight of the network. What the graph computes stands in for a weight as it is.
   * @param form default: the axes of the file
   */
  weight(input: number, form?: Form, isTrainable = true): tf.Tensor {
    const { stored, isReading, names, weights } = this.application;
    const name = this.node.inputs[input] ?? '';
    const constant = this.constant(input);
    if (!constant) {
      const computed = this.plain(input);
      return form ? formed(computed, form) : computed;
    }
    if (!(constant.data instanceof Float32Array)) return this.refuse(`has weights of ${constant.dtype}: '${name}'`);
    const wanted = form ?? asInFile(constant);
    if (sizeOf(wanted.shape) !== constant.data.length)
      return this.refuse(`has weights '${name}' [${constant.shape}] that do not fit its inputs`);
    if (isReading && !stored.has(name)) stored.set(name, { form: wanted, isTrainable });
    const own = stored.get(name);
    if (!own) return tf.tensor(constant.data, [...constant.shape], 'float32');
    const tensor = weights(names.get(name) ?? name, storedShape(own.form));
    // Two nodes may read one weight in different forms.
    return sameForm(own.form, wanted) ? tensor : formed(tf.transpose(tensor, inverse(own.form.order)), wanted);
  }

  /** Whether the network trains weights before this node. */
  get followsWeights(): boolean {
    return this.application.stored.size > 0;
  }

  /** Whether an input is a weight of the network, once it is read. */
  isWeight(input: number): boolean {
    return this.application.stored.has(this.node.inputs[input] ?? '');
  }

  get isReading(): boolean {
    return this.application.isReading;
  }

  /** 1 / keep with probability `keep`, else 0. */
  noise(shape: Shape, keep: number): tf.Tensor {
    return tf.div(tf.floor(tf.add(uniform(shape), keep)), keep);
  }

  /** @throws NasError naming the node */
  refuse(why: string, hint = 'Export the model in evaluation mode, or choose another one.'): never {
    throw refusal(this.application.where, this.node, why, hint);
  }
}

export const refusal = (where: string, node: OnnxNode, why: string, hint: string): NasError =>
  invalidInput(`${where} cannot be trained: node '${nodeLabel(node)}' (${node.op}) ${why}`, { hint });
