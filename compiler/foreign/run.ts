import * as tf from '@tensorflow/tfjs-core';
import { invalidInput, messageOf, NasError } from '../../base/errors.js';
import { nodeLabel, type Shape } from '../graph/index.js';
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
import { ruleOf } from './operators/index.js';
import type { answerOf, ReadFile } from './read.js';
import { last, plain, type FileValue } from './value.js';

/** A weight of a foreign network with its value in TF.js's layout. */
export interface ForeignWeight {
  /** The name in the file. */
  readonly name: string;
  readonly shape: Shape;
  readonly data: Float32Array;
  /** False for batch norm's moving statistics. */
  readonly isTrainable: boolean;
}

/** A graph whose nodes are computed in TF.js. */
export interface Runnable extends ReadFile {
  /** Names the file in errors. */
  readonly where: string;
  readonly answer: ReturnType<typeof answerOf>;
}

/** One run of a graph. */
export interface Run {
  readonly weights: WeightSource;
  readonly mode: ForeignMode;
  readonly stored: Map<string, StoredWeight>;
  readonly isReading: boolean;
}

/** Computes the values of a graph; they are found by name. */
export function valuesOf(
  parts: Runnable,
  images: tf.Tensor,
  { weights, mode, stored, isReading }: Run,
): (name: string) => FileValue {
  const { graph, layout, answer, where } = parts;
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
  return (name) => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`internal: nothing computed '${name}'`);
    return value;
  };
}

/**
 * The weights of a graph in the order of its nodes, its norms, and the shapes of outputs for a batch whose size is `batch`.
 * @param outputs reads what the graph computes
 * @throws NasError `invalid-input` for a node that cannot be trained, and for a graph without weights
 */
export function survey(parts: Runnable, outputs: (images: tf.Tensor, run: Run) => readonly tf.Tensor[]) {
  const stored = new Map<string, StoredWeight>();
  const norms: Norm[] = [];
  const mode: ForeignMode = { training: true, statistics: (norm) => norms.push(norm) };
  const weights: WeightSource = (_, shape) => tf.fill([...shape], 0.5);
  let batch = NaN;
  let shapes: (readonly number[])[] = [];
  trace(
    ({ images }) => {
      const found = outputs(images, { weights, mode, stored, isReading: true });
      batch = images.shape[0];
      shapes = found.map(({ shape }) => shape);
      return Object.fromEntries(found.map((output, i) => [`output${i}`, output]));
    },
    { images: { shape: [null, ...parts.input] } },
    { freeze: () => true, plain: true },
  );
  if (![...stored.values()].some(({ isTrainable }) => isTrainable))
    throw invalidInput(`${parts.where} has no weights to train`, { hint: 'Export the model with its weights inside.' });
  return { stored, norms, weights: [...stored].map((each) => weightOf(parts, each)), batch, shapes };
}

function weightOf(
  { graph: { constants }, names }: Runnable,
  [name, { form, isTrainable }]: readonly [string, StoredWeight],
): ForeignWeight {
  const data = constants.get(name)?.data;
  if (!(data instanceof Float32Array)) throw new Error(`internal: ${name} is no weight`);
  const { shape, order } = form;
  return { name: names.get(name) ?? name, shape: storedShape(form), data: toStorage(data, shape, order), isTrainable };
}
