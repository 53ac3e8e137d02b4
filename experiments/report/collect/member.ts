import type { Environment } from '../../../latency-models/index.js';
import type { Network } from '../../../spaces/index.js';
import type { MeasurementRecord, Store, TrialStage } from '../../../store/index.js';
import { collectFinals } from './finals.js';
import type { TableRow } from '../../runner/loop/evaluators/table.js';
import type { CurvePoint, ReportCosts, ReportLatency, ReportMember, ReportTrial } from '../data.js';

function toLatency({ ms, p50, p95, p99, interval, converged, environment }: MeasurementRecord): ReportLatency {
  // Written by the runner from a Measurement.
  return { ms, p50, p95, p99, interval, converged, environment: environment as Environment };
}

const curveOf = (store: Store, stage: TrialStage, trial: number): CurvePoint[] =>
  store.curves
    .of({ stage, trial })
    .map(({ epoch, trainLoss, validationAccuracy }) => ({ epoch, trainLoss, validationAccuracy }));

/** The network of a trial; null where the run looks its results up in a table. */
function networkOf(store: Store, genotypeId: string): Network | null {
  // The runner stores one of these for every trial when it is asked.
  const stored = store.networks.get(genotypeId) as Network | TableRow;
  return stored.kind === 'network' ? stored : null;
}

/** Spaces (and TF.js with them) are loaded here, not by those who only list trials. */
async function costsOf(network: Network): Promise<ReportCosts> {
  const { costs } = await import('../../../spaces/index.js');
  const { macs, params, activationBytes, sizeBytes } = costs(network);
  return { macs, params, activationBytes, sizeBytes };
}

/**
 * Everything that is known of one trial; latency is the one measured last.
 */
export async function collectMember(store: Store, trial: ReportTrial): Promise<ReportMember> {
  const { number, genotypeId } = trial;
  const network = networkOf(store, genotypeId);
  const latest = store.measurements.of(number).at(-1);
  return {
    ...trial,
    latency: latest === undefined ? null : toLatency(latest),
    predicted: store.trials.prediction(number) ?? null,
    final: collectFinals(store).get(number) ?? null,
    costs: network === null ? null : await costsOf(network),
    network,
    curves: { search: curveOf(store, 'search', number), final: curveOf(store, 'final', number) },
    files: store.artifacts
      .all()
      .filter((file) => file.trial === number)
      .map(({ kind, path, bytes, sha256 }) => ({ kind, path, bytes, sha256 })),
  };
}
