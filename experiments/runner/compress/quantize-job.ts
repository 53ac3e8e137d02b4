import { messageOf, NasError } from '../../../base/errors.js';
import { quantizeOnDataset } from '../../models/on-dataset.js';
import { candidateOnnx } from '../jobs/candidate-model.js';
import type { JobContext, JobOf, QuantizeResult } from '../jobs/jobs.js';

/** Quantizes a trained network, and judges it beside the float one on the validation images. */
export async function quantizeJob(
  { candidate, dataset, calibration, seed, weightBits, threads }: JobOf<'quantize'>,
  { onEvent, signal, pause }: JobContext,
): Promise<QuantizeResult> {
  const model = candidateOnnx(candidate);
  const [height, width] = candidate.network.input;
  await pause();
  try {
    const { method, accuracy, tried, images } = await quantizeOnDataset(model, dataset, {
      ...calibration,
      seed,
      size: [height, width],
      weightBits,
      threads,
      signal,
      between: pause,
      onProgress: (_, done, total) => onEvent({ kind: 'count', done, total, what: 'images' }),
    });
    return { method, accuracy, tried, images };
  } catch (error) {
    if (signal.aborted) throw new NasError('interrupted', 'quantizing was stopped');
    // What speaks against the network is its own: others may do well.
    if (error instanceof NasError && error.code === 'invalid-input') return { failed: messageOf(error) };
    throw error;
  }
}
