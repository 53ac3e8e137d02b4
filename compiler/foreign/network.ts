import * as tf from '@tensorflow/tfjs-core';
import { invalidInput, messageOf, NasError } from '../../base/errors.js';
import type { ImageSize } from '../../base/image-pixels.js';
import { exportFunction, type ExportOptions } from '../export.js';
import { nodeLabel, scopeOf, withoutDeadCode, type Shape } from '../graph/index.js';
import type { ImageLayout } from '../runtime/classifier/inputs-outputs.js';
import type { ClassifierFacts } from '../runtime/classifier/signature.js';
import { inLayer } from '../trace/overrides.js';
import { trace } from '../trace/trace.js';
import { toStorage } from '../values/layout.js';
import {
  Call,
  refusal,
  storedShape,
  type ForeignMode,
  type Norm,
  type StoredWeight,
  type WeightSource,
} from './call.js';
import { featuresText, namedHead } from './features.js';
import { ruleOf } from './operators/index.js';
import {
  answerOf,
  linearLayers,
  readClassifier,
  type Answer,
  type Head,
  type ReadFile,
  type ReadOptions,
} from './read.js';
import { inFileOrder, last, plain, type FileValue } from './value.js';

/** A weight of a foreign network with its value in TF.js's layout. */
export interface ForeignWeight {
  /** The name in the file. */
  readonly name: string;
  readonly shape: Shape;
  readonly data: Float32Array;
  /** False for batch norm's moving statistics. */
  readonly isTrainable: boolean;
}

export interface ForeignOutputs {
  /** [batch, classes], before a softmax or sigmoid at the end of the file. */
  readonly logits: tf.Tensor;
  /** [batch, features]: what the last linear layer reads, averaged over maps; null where the file has none. */
  readonly features: tf.Tensor | null;
}

/** The values of a new last layer. */
export interface NewHead {
  /** [features, classes]. */
  readonly kernel: Float32Array;
  /** [classes]. */
  readonly bias: Float32Array;
}

/** A classifier of another program as a TF.js function of images and weights. */
export interface ForeignNetwork {
  readonly input: ImageSize;
  /** The layout of the file's images; `apply` always takes NHWC. */
  readonly layout: ImageLayout;
  readonly classes: number;
  readonly weights: readonly ForeignWeight[];
  /** Its batch norms. Exports for inference have none where they stood behind convolutions. */
  readonly norms: readonly Norm[];
  readonly head: Head | null;
  /** What linear layers at its end read, the last one first. */
  readonly layers: readonly Head[];
  /** What the head reads: `flatten_1 [1280]`; null without a head. */
  readonly features: string | null;
  /** How the file's output follows from the logits. */
  readonly answer: Answer;
  /** Classes and normalisation, where the file has them in its metadata. */
  readonly facts: ClassifierFacts;
  /** The graph; with a new head, up to the features that it reads. */
  readonly file: ReadFile;
  /** The values of a head that `withHead` gave. */
  readonly newHead: NewHead | null;
  /**
   * Applies the network, eagerly or inside a compiled function.
   * @param weights called for each weight as often as a node reads it
   * @param images [batch, height, width, channels] in float32, as the file takes them; not disposed of
   */
  apply(weights: WeightSource, images: tf.Tensor, mode: ForeignMode): ForeignOutputs;
  /**
   * The network with a new last linear layer, `head/kernel` and `head/bias`, for other classes. What stands behind the old
   * one is left out.
   * @throws NasError `invalid-input` where the file has no last linear layer
   */
  withHead(head: NewHead): ForeignNetwork;
}

/** Names of the weights of a new head. */
const headKernel = 'head/kernel';
const headBias = 'head/bias';

interface Parts extends ReadFile {
  readonly where: string;
  readonly head: Head | null;
  readonly layers: readonly Head[];
  readonly answer: ReturnType<typeof answerOf>;
  readonly newHead: NewHead | null;
}

function fail(message: string): never {
  throw new Error(message);
}

interface Run {
  readonly weights: WeightSource;
  readonly mode: ForeignMode;
  readonly stored: Map<string, StoredWeight>;
  readonly isReading: boolean;
}

/** [batch, features] of what a last layer reads. */
function pooled(value: FileValue): tf.Tensor {
  const { tensor, isLast } = value;
  return isLast && tensor.rank === 4 ? tf.mean(tensor, [1, 2]) : inFileOrder(value);
}

function run(parts: Parts, images: tf.Tensor, { weights, mode, stored, isReading }: Run): ForeignOutputs {
  const { graph, layout, answer, head, newHead, where } = parts;
  const batch = images.shape[0];
  const values = new Map<string, FileValue>([[graph.inputs[0].name, layout === 'NCHW' ? last(images) : plain(images)]]);
  const application = { ...parts, mode, batch, values, weights, stored, isReading };
  for (const node of parts.nodes) {
    const rule = node === answer.node ? ruleOf('Identity') : ruleOf(node.op);
    if ('unsupported' in rule) throw refusal(where, node, rule.unsupported, rule.hint);
    const compute = () => tf.tidy(() => [rule(new Call(node, application))].flat() as unknown as tf.TensorContainer);
    try {
      const outputs = inLayer(nodeLabel(node), compute) as unknown as readonly FileValue[];
      for (const [i, output] of outputs.entries()) values.set(node.outputs[i], output);
    } catch (error) {
      if (error instanceof NasError && error.message.startsWith(where)) throw error;
      throw refusal(where, node, `does not fit its inputs: ${messageOf(error)}`, 'Check the file with onnx.checker.');
    }
  }
  const found = (name: string): FileValue => values.get(name) ?? fail(`internal: nothing computed '${name}'`);
  const features = head && pooled(found(head.features));
  if (newHead === null || features === null) return { logits: inFileOrder(found(graph.outputs[0].name)), features };
  const classes = newHead.bias.length;
  const kernel = weights(headKernel, [newHead.kernel.length / classes, classes]);
  return {
    logits: tf.add(tf.matMul(features as tf.Tensor2D, kernel as tf.Tensor2D), weights(headBias, [classes])),
    features,
  };
}

/** The weights of a graph in the order of its nodes, and the number of classes. */
function survey(parts: Parts) {
  const stored = new Map<string, StoredWeight>();
  const norms: Norm[] = [];
  const mode: ForeignMode = { training: true, statistics: (norm) => norms.push(norm) };
  const weights: WeightSource = (_, shape) => tf.fill([...shape], 0.5);
  const shapes: number[][] = [];
  trace(
    ({ images }) => {
      const { logits } = run(parts, images, { weights, mode, stored, isReading: true });
      shapes.push([images.shape[0], ...logits.shape]);
      return { logits };
    },
    { images: { shape: [null, ...parts.input] } },
    { freeze: () => true, plain: true },
  );
  const [[batch, ...shape]] = shapes;
  const classes = shape.length === 2 && shape[0] === batch ? shape[1] : NaN;
  if (!(classes >= 2))
    throw invalidInput(
      `${parts.where} gives [${shape.map((size) => (size === batch ? 'N' : size))}], not [N, classes]`,
      {
        hint: 'Only classifiers with one output [batch, classes] are supported.',
      },
    );
  if (![...stored.values()].some(({ isTrainable }) => isTrainable))
    throw invalidInput(`${parts.where} has no weights to train`, { hint: 'Export the model with its weights inside.' });
  return { stored, norms, classes };
}

function weightOf(
  { graph: { constants }, names }: Parts,
  [name, { form, isTrainable }]: readonly [string, StoredWeight],
): ForeignWeight {
  const data = constants.get(name)?.data;
  if (!(data instanceof Float32Array)) throw new Error(`internal: ${name} is no weight`);
  const { shape, order } = form;
  return { name: names.get(name) ?? name, shape: storedShape(form), data: toStorage(data, shape, order), isTrainable };
}

function networkOf(parts: Parts): ForeignNetwork {
  const { where, input, layout, head, layers, answer, facts, newHead } = parts;
  const { stored, norms, classes } = survey(parts);
  const own = [...stored].map((each) => weightOf(parts, each));
  const added = newHead
    ? [
        {
          name: headKernel,
          shape: [newHead.kernel.length / classes, classes],
          data: newHead.kernel,
          isTrainable: true,
        },
        { name: headBias, shape: [classes], data: newHead.bias, isTrainable: true },
      ]
    : [];
  return {
    input,
    layout,
    classes,
    weights: [...own, ...added],
    norms,
    head,
    layers,
    features: head && featuresText(parts, head),
    answer: answer.answer,
    facts,
    file: parts,
    newHead,
    apply: (weights, images, mode) => run(parts, images, { weights, mode, stored, isReading: false }),
    withHead(wanted) {
      const { head: old, graph } = parts;
      if (old === null)
        throw invalidInput(`${where} has no last linear layer that could be replaced`, {
          hint: 'Name the features that a new layer reads (features), for example the output of the last pooling.',
        });
      if (wanted.kernel.length !== old.inputs * wanted.bias.length)
        throw new Error(`a head for ${old.inputs} features has ${wanted.kernel.length} numbers`);
      const type = graph.types.get(old.features) ?? { dtype: 'float32' as const, shape: [] };
      const cut = withoutDeadCode({ ...graph, outputs: [{ name: old.features, ...type }] });
      const kept = new Set(cut.nodes);
      const nodes = parts.nodes.filter((node) => kept.has(node));
      return networkOf({
        ...parts,
        graph: cut,
        scope: scopeOf(cut),
        nodes,
        answer: { node: null, answer: 'logits' },
        newHead: wanted,
      });
    },
  };
}

/**
 * Reads an ONNX image classifier of any program as a network to train.
 * @throws NasError `invalid-input` with operator, node and what to do, when it cannot be trained
 */
export function foreignNetwork(bytes: Uint8Array, options: ReadOptions = {}): ForeignNetwork {
  const file = readClassifier(bytes, options);
  const { where = 'the file', features } = options;
  const layers = linearLayers(file);
  const head = features === undefined ? (layers[0] ?? null) : namedHead(file, features, where);
  return networkOf({ ...file, where, head, layers, answer: answerOf(file), newHead: null });
}

/** Updates batch norm's moving statistics from batches; assigns the variables of their names. */
export function followNorms(variables: ReadonlyMap<string, tf.Variable>): NonNullable<ForeignMode['statistics']> {
  return ({ mean, variance, momentum }, batch) => {
    for (const [name, value] of [
      [mean, batch.mean],
      [variance, batch.variance],
    ] as const) {
      const moving = variables.get(name);
      if (moving === undefined) throw new Error(`there is no variable ${name}`);
      moving.assign(tf.sub(moving, tf.mul(tf.sub(moving, value), 1 - momentum)));
    }
  };
}

/** Exports a foreign network with some weights as a portable ONNX file, as `exportFunction`: images NHWC, `logits`. */
export const exportForeign = (
  network: Pick<ForeignNetwork, 'apply' | 'input'>,
  weights: WeightSource,
  options: ExportOptions = {},
): Uint8Array =>
  exportFunction((images) => network.apply(weights, images, { training: false }).logits, network.input, options);
