import type { ModelMetadata } from '../../../deploy/index.js';
import type { Network } from '../../../spaces/index.js';
import type { MeasurementRecord, TrialRecord } from '../../../store/index.js';
import type { TrainingPlan } from '../plan.js';
import { latencyValue } from '../latency/value.js';
import { nasVersion } from '../version.js';

/** What the ONNX file of a trial says of itself; `latency` is its latest measurement. */
export function modelMetadata(
  { experiment, data, space }: Pick<TrainingPlan, 'experiment' | 'data' | 'space'>,
  trial: TrialRecord,
  network: Network,
  latency: MeasurementRecord | undefined,
): ModelMetadata {
  return {
    classes: data.classes,
    layout: 'NHWC',
    input: network.input,
    mean: data.mean,
    std: data.std,
    nas_version: nasVersion(),
    created: new Date().toISOString(),
    experiment: experiment.name,
    trial: trial.number,
    seed: trial.seed,
    genotype: trial.genotypeId,
    decisions: trial.choices,
    network,
    ...(space.places && { places: space.places(trial.genotype) }),
    ...(latency === undefined
      ? {}
      : {
          latency: {
            ms: latency.ms,
            provenance: latencyValue(latency).provenance,
            device: latency.device,
            interval: latency.interval,
          },
        }),
  };
}
