import type * as tfl from '@tensorflow/tfjs-layers';
import * as ort from 'onnxruntime-node';
import { expect } from 'vitest';
import { exportModel } from '../../../compiler/index.js';
import { apply } from './models.js';
import { differences, inTidy, toHost } from './reference.js';
import { Sampler, toTensor } from './samples.js';

const imagesFor = (batch: number, model: tfl.LayersModel) => {
  const shape = model.inputs[0].shape.slice(1).map(Number);
  return new Sampler('images', batch).normal([batch, ...shape]);
};

/** Runs an exported file on images with ONNX Runtime's default options. */
async function runFile(bytes: Uint8Array, images: ReturnType<typeof imagesFor>) {
  const session = await ort.InferenceSession.create(bytes);
  try {
    const feed = new ort.Tensor('float32', Float32Array.from(images.data), images.shape);
    const results = await session.run({ [session.inputNames[0]]: feed });
    const output = results[session.outputNames[0]];
    return { dtype: 'float32' as const, shape: output.dims, data: output.data as Float32Array };
  } finally {
    await session.release();
  }
}
export const predict = (model: tfl.LayersModel, images: ReturnType<typeof imagesFor>) =>
  inTidy(() => toHost(apply(model, toTensor(images))));

/** Expects that an exported model predicts as TF.js does, at these batches. */
export async function expectSamePredictions(model: tfl.LayersModel, batches: readonly number[]): Promise<void> {
  const bytes = exportModel(model);
  for (const batch of batches) {
    const images = imagesFor(batch, model);
    expect(differences({ y: await runFile(bytes, images) }, { y: predict(model, images) }, 1e-5)).toEqual([]);
  }
}
