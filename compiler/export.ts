import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { invalidInput } from '../base/errors.js';
import { encodeModel } from './onnx/model.js';
import { type GraphCheck, inference, runPasses } from './passes/pipelines.js';
import { portable } from './target.js';
import { traceTwice } from './trace/determinism.js';

export interface ExportOptions {
  /** Name of the graph; default: the model's. */
  readonly name?: string;
  /** Default `input`. */
  readonly inputName?: string;
  /** Default `logits`. */
  readonly outputName?: string;
  /** Images in a batch; default `dynamic`: the dimension N. */
  readonly batch?: number | 'dynamic';
  /** Written into the file's metadata_props. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Told every graph on the way to the file; default: nobody is. */
  readonly check?: GraphCheck;
}

/**
 * A model's inference function as a portable ONNX file: standard operators of opset 18, weights as initializers,
 * input float32 NHWC [N, h, w, c], output float32 [N, classes].
 * @throws NasError when the model has several inputs or outputs, or a layer that cannot be exported.
 */
export function exportModel(model: tfl.LayersModel, options: ExportOptions = {}): Uint8Array {
  const { inputName = 'input', outputName = 'logits', batch = 'dynamic' } = options;
  if (model.inputs.length !== 1 || model.outputs.length !== 1)
    throw invalidInput(`model '${model.name}' has ${model.inputs.length} inputs and ${model.outputs.length} outputs`, {
      hint: 'Only models with one of each can be exported.',
    });
  const shape = model.inputs[0].shape.with(0, batch === 'dynamic' ? null : batch);
  const infer = (inputs: Record<string, tf.Tensor>): Record<string, tf.Tensor> => {
    const output = model.apply(inputs[inputName], { training: false });
    if (!(output instanceof tf.Tensor)) throw new Error('internal: the model gave no tensor');
    return { [outputName]: output };
  };
  const traced = traceTwice(infer, { [inputName]: { shape } }, { freeze: () => true, plain: true });
  const { graph } = runPasses({ graph: traced.graph }, inference, portable, options.check);
  return encodeModel(graph, { name: options.name ?? model.name, metadata: options.metadata ?? {} });
}
