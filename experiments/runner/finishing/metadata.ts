import type { ModelMetadata } from '../../../deploy/index.js';
import type { Network } from '../../../spaces/index.js';
import type { MeasurementRecord, TrialRecord, WeightsOrigin } from '../../../store/index.js';
import type { TrainingExperiment } from '../../schema/experiment.js';
import type { TrainingPlan } from '../plan.js';
import { latencyValue } from '../latency/value.js';
import { nasVersion } from '../../../base/version.js';

/** How weights came to be: those of a final training, or without one those of the search. */
export function weightsKind(
  { search }: Pick<TrainingExperiment, 'search'>,
  final: { readonly from: WeightsOrigin; readonly epochs: number } | null,
): NonNullable<ModelMetadata['weights']> {
  const kinds = { train: 'trained', inherit: 'inherited', supernet: 'supernet' } as const;
  if (final === null || final.epochs === 0) return kinds[search.evaluate];
  return final.from === 'supernet' ? 'inherited' : 'trained';
}

/** A measured latency as files have it; nothing where there is none. */
export const latencyFact = (latency: MeasurementRecord | undefined): Pick<ModelMetadata, 'latency'> =>
  latency === undefined
    ? {}
    : {
        latency: {
          ms: latency.ms,
          provenance: latencyValue(latency).provenance,
          device: latency.device,
          interval: latency.interval,
        },
      };

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
    ...latencyFact(latency),
  };
}
