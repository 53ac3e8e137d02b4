import { quantizeForTiming } from '../../../deploy/index.js';
import { createDevice, type Measurement } from '../../../latency-models/index.js';
import { createSpace } from '../../../spaces/index.js';
import { candidateOnnx } from '../jobs/candidate-model.js';
import type { ChosenNetwork, JobContext, JobOf } from '../jobs/jobs.js';

/** A candidate as it is timed; integer kernels take the same time whatever the scales. */
function timedOnnx({ precision = 'fp32', ...candidate }: ChosenNetwork): Uint8Array {
  const model = candidateOnnx(candidate);
  return precision === 'fp32' ? model : quantizeForTiming(model, 'the network');
}

/** Measures the candidates side by side; each is exported to ONNX when the device asks for it. */
export async function measureJob(
  { device: config, candidates, space: { config: space, task }, protocol, id, profile }: JobOf<'measure'>,
  { onEvent, signal, pause }: JobContext,
): Promise<readonly Measurement[]> {
  const context = config.type === 'table' ? { space: await createSpace(space, task) } : {};
  const device = createDevice(config, context);
  const subjects = candidates.map((candidate) => ({
    model: () => timedOnnx(candidate),
    choices: candidate.choices,
  }));
  const measurements = await device.measureAll(subjects, protocol, {
    signal,
    id,
    onProgress: (done, total) => onEvent({ kind: 'count', done, total, what: 'blocks' }),
  });
  if (!profile || device.profile === undefined) return measurements;
  const profiled: Measurement[] = [];
  for (const [i, subject] of subjects.entries()) {
    const [{ layers }] = await device.profile([subject], signal);
    profiled.push({ ...measurements[i], layers });
    await pause();
  }
  return profiled;
}
