import { createDevice, type Measurement } from '../../../latency-models/index.js';
import { createSpace } from '../../../spaces/index.js';
import { candidateOnnx } from '../jobs/candidate-model.js';
import type { JobContext, JobOf } from '../jobs/jobs.js';

/** Networks that are open at the same time: each holds a session with its weights. */
const together = 24;

/**
 * Measures the candidates side by side, as many at a time as may well be open; each is exported to ONNX when the device
 * asks for it.
 */
export async function measureJob(
  job: JobOf<'measure'>,
  { onEvent, signal }: JobContext,
): Promise<readonly Measurement[]> {
  const { device: config, space, protocol, id, profile } = job;
  const context = config.type === 'table' ? { space: await createSpace(space.config, space.task) } : {};
  const device = createDevice(config, context);
  const measured: Measurement[] = [];
  while (measured.length < job.candidates.length) {
    const before = measured.length;
    const group = job.candidates.slice(before, before + together);
    const subjects = group.map((candidate) => ({ model: () => candidateOnnx(candidate), choices: candidate.choices }));
    const measurements = await device.measureAll(subjects, protocol, {
      signal,
      // The first group's name is that of a measurement in one piece.
      id: before === 0 ? id : `${id}-${before}`,
      onProgress: (done, total) => {
        const each = total / group.length;
        onEvent({ kind: 'count', done: before * each + done, total: job.candidates.length * each, what: 'blocks' });
      },
    });
    const profiles = profile ? await device.profile?.(subjects, signal) : undefined;
    measured.push(...measurements.map((timing, i) => (profiles ? { ...timing, layers: profiles[i].layers } : timing)));
  }
  return measured;
}
