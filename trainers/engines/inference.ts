import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { Tensor } from 'onnxruntime-node';
import { createSession, exportModel } from '../../compiler/index.js';
import type { EngineChoice } from './select.js';

/** A frozen model as a function. */
export interface Inference {
  /** Outputs [size, classes] for inputs [size, height, width, channels]. */
  run(images: Float32Array, size: number): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/**
 * A model's inference with its weights as they are now, on an engine. The model must live on that engine's backend
 * (`activateBackend`) and still belongs to the caller.
 */
export async function createInference(
  model: tfl.LayersModel,
  choice: EngineChoice,
  threads: number,
): Promise<Inference> {
  return choice.type === 'compiled'
    ? onnxInference(exportModel(model), { provider: choice.provider, threads }, inputShape(model))
    : eagerInference(model);
}

function inputShape(model: tfl.LayersModel): number[] {
  const shape = model.inputs[0]?.shape.slice(1) ?? [];
  return shape.map((side) => side ?? 1);
}

async function onnxInference(
  bytes: Uint8Array,
  options: { readonly provider: string; readonly threads: number },
  shape: readonly number[],
): Promise<Inference> {
  const session = await createSession(bytes, options);
  const [input = ''] = session.inputNames;
  const [output = ''] = session.outputNames;
  return {
    async run(images, size) {
      const result = await session.run({ [input]: new Tensor('float32', images, [size, ...shape]) });
      const { data } = result[output];
      if (!(data instanceof Float32Array)) throw new Error('the model gave no float32 output');
      return data;
    },
    dispose: () => session.release(),
  };
}

function eagerInference(model: tfl.LayersModel): Inference {
  return {
    async run(images, size) {
      const output = tf.tidy(() => {
        const result = model.apply(tf.tensor(images, [size, ...inputShape(model)]), { training: false });
        // Called with one tensor, a model with one output gives one tensor.
        return result as tf.Tensor;
      });
      try {
        return Float32Array.from(await output.data());
      } finally {
        output.dispose();
      }
    },
    dispose: () => Promise.resolve(),
  };
}
