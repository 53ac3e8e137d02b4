import { createDevice, type Measurement } from '../../latency-models/index.js';
import { candidateOnnx } from './candidate-model.js';
import type { JobOf } from './jobs.js';
import type { JobContext } from './run-job.js';

/** Measures the candidates side by side; each is exported to ONNX when the device asks for it. */
export function measureJob(job: JobOf<'measure'>, { onEvent, signal }: JobContext): Promise<readonly Measurement[]> {
  const device = createDevice(job.device);
  const subjects = job.candidates.map((candidate) => ({ model: () => candidateOnnx(candidate) }));
  return device.measureAll(subjects, job.protocol, {
    signal,
    onProgress: (done, total) => onEvent({ kind: 'count', done, total, what: 'blocks' }),
  });
}
