import { exportModel } from '../../compiler/index.js';
import { createDevice, type Measurement } from '../../latency-models/index.js';
import { candidateModel } from './candidate-model.js';
import type { JobOf } from './jobs.js';
import type { JobContext } from './run-job.js';

/** Exports each candidate to ONNX and measures all of them side by side. */
export function measureJob(job: JobOf<'measure'>, { onEvent, signal }: JobContext): Promise<readonly Measurement[]> {
  const device = createDevice(job.device);
  const models = job.candidates.map((candidate) => {
    const model = candidateModel(candidate);
    try {
      return exportModel(model);
    } finally {
      model.dispose();
    }
  });
  return device.measureAll(models, job.protocol, {
    signal,
    onProgress: (done, total) => onEvent({ kind: 'count', done, total, what: 'blocks' }),
  });
}
