import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { invalidInput } from '../base/errors.js';
import { encodeModel } from './onnx/model.js';
import { inference, runPasses } from './passes/pipelines.js';
import { portable } from './target.js';
import { trace, traceTwice } from './trace/trace.js';

export interface ExportOptions {
  /** Name of the graph; default: the model's, or `network`. */
  readonly name?: string;
  /** Default `input`. */
  readonly inputName?: string;
  /** Of a single output; default `logits`. */
  readonly outputName?: string;
  /** Images in a batch; default `dynamic`: the dimension N. */
  readonly batch?: number | 'dynamic';
  /** Written into the file's metadata_props. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Traces twice and compares, as `compile` does: for functions of others. Default false; `exportModel` does it. */
  readonly checkDeterminism?: boolean;
}

/**
 * Exports a function of images as a portable ONNX file: standard operators of opset 18, weights as initializers, input
 * float32 NHWC [N, ...shape], output float32 [N, classes], or several by their names.
 * @param shape of one image
 * @throws NasError naming the operation that cannot be exported
 */
export function exportFunction(
  infer: (images: tf.Tensor) => tf.Tensor | Readonly<Record<string, tf.Tensor>>,
  shape: readonly (number | null)[],
  options: ExportOptions = {},
): Uint8Array {
  const { name = 'network', inputName = 'input', outputName = 'logits', batch = 'dynamic', metadata = {} } = options;
  const traced = (options.checkDeterminism === true ? traceTwice : trace)(
    (inputs) => {
      const outputs = infer(inputs[inputName]);
      return outputs instanceof tf.Tensor ? { [outputName]: outputs } : outputs;
    },
    { [inputName]: { shape: [batch === 'dynamic' ? null : batch, ...shape] } },
    { freeze: () => true, plain: true },
  );
  const { graph } = runPasses({ graph: traced.graph }, inference, portable);
  return encodeModel(graph, { name, metadata });
}

/**
 * Exports the inference function of a TF.js layers model (see `exportFunction`).
 * @throws NasError when the model has several inputs or outputs, or a layer that cannot be exported.
 */
export function exportModel(model: tfl.LayersModel, options: ExportOptions = {}): Uint8Array {
  if (model.inputs.length !== 1 || model.outputs.length !== 1)
    throw invalidInput(`model '${model.name}' has ${model.inputs.length} inputs and ${model.outputs.length} outputs`, {
      hint: 'Only models with one of each can be exported.',
    });
  const infer = (images: tf.Tensor): tf.Tensor => {
    const output = model.apply(images, { training: false });
    if (!(output instanceof tf.Tensor)) throw new Error('internal: the model gave no tensor');
    return output;
  };
  return exportFunction(infer, model.inputs[0].shape.slice(1), {
    name: model.name,
    checkDeterminism: true,
    ...options,
  });
}
