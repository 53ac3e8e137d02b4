import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { Random } from '../../base/random.js';
import { inputAtBatch } from './model-input.js';

/**
 * Seeded standard normal values for the one input of a session.
 * @throws NasError `invalid-input` for a model that cannot be measured at this batch.
 */
export function randomFeeds(session: InferenceSession, batch: number): Record<string, Tensor> {
  const { name, shape } = inputAtBatch(session.inputMetadata, batch);
  const random = new Random(0, 'latency-input');
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
  return { [name]: new Tensor('float32', data, shape) };
}
