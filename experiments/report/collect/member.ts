import type { Environment } from '../../../latency-models/index.js';
import type { Network } from '../../../spaces/index.js';
import type { MeasurementRecord, Store, TrialStage } from '../../../store/index.js';
import { collectFinals } from './finals.js';
import type { CurvePoint, ReportLatency, ReportMember, ReportTrial } from '../data.js';

function toLatency({ ms, p50, p95, p99, interval, converged, environment }: MeasurementRecord): ReportLatency {
  // Written by the runner from a Measurement.
  return { ms, p50, p95, p99, interval, converged, environment: environment as Environment };
}

const curveOf = (store: Store, stage: TrialStage, trial: number): CurvePoint[] =>
  store.curves
    .of({ stage, trial })
    .map(({ epoch, trainLoss, validationAccuracy }) => ({ epoch, trainLoss, validationAccuracy }));

/**
 * Everything that is known of one trial's network; latency is the one measured last. Spaces (and TF.js with them) are
 * loaded here, not by those who only list trials.
 */
export async function collectMember(store: Store, trial: ReportTrial): Promise<ReportMember> {
  const { costs } = await import('../../../spaces/index.js');
  const { number, genotypeId } = trial;
  // The runner stores the network of every trial when it is asked.
  const network = store.networks.get(genotypeId) as Network;
  const { macs, params, activationBytes, sizeBytes } = costs(network);
  const latest = store.measurements.of(number).at(-1);
  return {
    ...trial,
    latency: latest === undefined ? null : toLatency(latest),
    predicted: store.trials.prediction(number) ?? null,
    final: collectFinals(store).get(number) ?? null,
    costs: { macs, params, activationBytes, sizeBytes },
    network,
    curves: { search: curveOf(store, 'search', number), final: curveOf(store, 'final', number) },
    files: store.artifacts
      .all()
      .filter((file) => file.trial === number)
      .map(({ kind, path, bytes, sha256 }) => ({ kind, path, bytes, sha256 })),
  };
}
