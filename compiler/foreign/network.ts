import * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../base/errors.js';
import type { ImageSize } from '../../base/image-pixels.js';
import { exportFunction, type ExportOptions } from '../export.js';
import type { ImageLayout } from '../runtime/classifier/inputs-outputs.js';
import type { ClassifierFacts } from '../runtime/classifier/signature.js';
import type { ForeignMode, Norm, WeightSource } from './call.js';
import { featuresText, namedHead } from './features.js';
import {
  answerOf,
  cutAt,
  linearLayers,
  readClassifier,
  type Answer,
  type Head,
  type ReadFile,
  type ReadOptions,
} from './read.js';
import { survey, valuesOf, type ForeignWeight, type Run, type Runnable } from './run.js';
import { inFileOrder, type FileValue } from './value.js';

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

interface Parts extends Runnable {
  readonly head: Head | null;
  readonly layers: readonly Head[];
  readonly newHead: NewHead | null;
}

/** [batch, features] of what a last layer reads. */
function pooled(value: FileValue): tf.Tensor {
  const { tensor, isLast } = value;
  return isLast && tensor.rank === 4 ? tf.mean(tensor, [1, 2]) : inFileOrder(value);
}

/** What the classifier answers, and how many classes it has. */
function outputsOf(parts: Parts, images: tf.Tensor, run: Run): ForeignOutputs {
  const { graph, head, newHead } = parts;
  const found = valuesOf(parts, images, run);
  const features = head && pooled(found(head.features));
  if (newHead === null || features === null) return { logits: inFileOrder(found(graph.outputs[0].name)), features };
  const classes = newHead.bias.length;
  const kernel = run.weights(headKernel, [newHead.kernel.length / classes, classes]);
  return {
    logits: tf.add(tf.matMul(features as tf.Tensor2D, kernel as tf.Tensor2D), run.weights(headBias, [classes])),
    features,
  };
}

/** @throws NasError `invalid-input` for other outputs than [N, classes] */
function classesOf({ where }: Parts, { batch, shapes: [[rows, ...sides]] }: ReturnType<typeof survey>): number {
  if (rows === batch && sides.length === 1 && sides[0] >= 2) return sides[0];
  throw invalidInput(
    `${where} gives [${[rows, ...sides].map((size) => (size === batch ? 'N' : size))}], not [N, classes]`,
    {
      hint: 'Only classifiers with one output [batch, classes] are supported.',
    },
  );
}

function networkOf(parts: Parts): ForeignNetwork {
  const { where, input, layout, head, layers, answer, facts, newHead } = parts;
  const found = survey(parts, (images, own) => [outputsOf(parts, images, own).logits]);
  const { stored, norms } = found;
  const classes = classesOf(parts, found);
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
    weights: [...found.weights, ...added],
    norms,
    head,
    layers,
    features: head && featuresText(parts, head),
    answer: answer.answer,
    facts,
    file: parts,
    newHead,
    apply: (weights, images, mode) => outputsOf(parts, images, { weights, mode, stored, isReading: false }),
    withHead(wanted) {
      const { head: old } = parts;
      if (old === null)
        throw invalidInput(`${where} has no last linear layer that could be replaced`, {
          hint: 'Name the features that a new layer reads (features), for example the output of the last pooling.',
        });
      if (wanted.kernel.length !== old.inputs * wanted.bias.length)
        throw new Error(`a head for ${old.inputs} features has ${wanted.kernel.length} numbers`);
      return networkOf({
        ...parts,
        ...cutAt(parts, [old.features]),
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

/** A network of a file that gives logits. */
interface Answering extends Pick<ForeignNetwork, 'input'> {
  apply(...from: Parameters<ForeignNetwork['apply']>): Pick<ForeignOutputs, 'logits'>;
}

/** Exports a foreign network with some weights as a portable ONNX file, as `exportFunction`: images NHWC, `logits`. */
export const exportForeign = (network: Answering, weights: WeightSource, options: ExportOptions = {}): Uint8Array =>
  exportFunction((images) => network.apply(weights, images, { training: false }).logits, network.input, options);
