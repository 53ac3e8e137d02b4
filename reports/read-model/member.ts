import type { Environment } from '../../latency-models/index.js';
import type { Network } from '../../spaces/index.js';
import type {
  BriefMeasurement,
  Epoch,
  MeasurementRecord,
  Store,
  StoredPrecision,
  TrialStage,
} from '../../store/index.js';
import type { StoredRow } from '../../runner/stored/candidates.js';
import type {
  CurvePoint,
  NetworkPart,
  ReportCosts,
  ReportPrecision,
  ReportLatency,
  ReportMember,
  ReportTrial,
} from './data.js';
import { classReportOf } from './classes.js';
import { RunEvidence } from './evidence.js';
import { collectFinals } from './finals.js';
import { deviceText } from './text.js';
import type { LatencyEvidence } from '../../runner/stored/uncertainty.js';

function toLatency(
  { ms, p50, p95, p99, interval, converged, environment }: MeasurementRecord,
  brief: BriefMeasurement,
  evidence: LatencyEvidence,
): ReportLatency {
  // Written by the runner from a Measurement.
  const measuredOn = environment as Environment;
  const figures = { ms, p50, p95, p99, interval, converged };
  return {
    ...figures,
    environment: measuredOn,
    on: deviceText(measuredOn),
    certainty: evidence.certainty(brief),
    explanation: evidence.explanation(brief),
  };
}

export const toPoint = ({
  epoch,
  trainLoss,
  trainAccuracy,
  validationLoss,
  validationAccuracy,
}: Epoch): CurvePoint => ({
  epoch,
  trainLoss,
  trainAccuracy,
  validationLoss,
  validationAccuracy,
});

export const curveOf = (store: Store, stage: TrialStage, trial: number): CurvePoint[] =>
  store.curves.of({ stage, trial }).map(toPoint);

/** The network of a trial; null in runs on a table. */
function networkOf(store: Store, genotypeId: string): Network | null {
  // The runner stores a network or a row for every trial.
  const stored = store.networks.get(genotypeId) as Network | StoredRow;
  return stored.kind === 'network' ? stored : null;
}

/** Imports the spaces on demand: lists of trials do not need them. */
async function costsOf(network: Network, { variants, precision }: ReportTrial): Promise<ReportCosts> {
  const { costs } = await import('../../spaces/index.js');
  const { macs, params, activationBytes, sizeBytes } = costs(network);
  const own = variants?.find((variant) => variant.precision === precision)?.values['size_bytes'];
  return { macs, params, activationBytes, sizeBytes: own ?? sizeBytes };
}

async function partsOf(network: Network): Promise<readonly NetworkPart[]> {
  const { partsOf: parts } = await import('./network-parts.js');
  return parts(network);
}

/** Kinds of files that belong to one precision; the others belong to all. */
const filePrecisions = new Map<string, StoredPrecision>([
  ['onnx', 'fp32'],
  ['onnx-int8', 'int8'],
]);

/**
 * Latest latency, prediction, final result and files of a trial in one precision.
 * @param precision absent in runs with fp32 only
 */
function keptOf(store: Store, evidence: RunEvidence, number: number, precision?: StoredPrecision): ReportPrecision {
  const ofPrecision = (known: StoredPrecision): boolean => precision === undefined || known === precision;
  const used = evidence.latency.of(number, precision ?? 'fp32');
  const latest = used && store.measurements.of(number).find(({ id }) => id === used.id);
  const classes = classReportOf(store.classResults.of(number), precision ?? 'fp32');
  return {
    latency: used === undefined || latest === undefined ? null : toLatency(latest, used, evidence.latency),
    predicted: store.trials.prediction(number, precision) ?? null,
    final: collectFinals(store, evidence).of({ number, ...(precision === undefined ? {} : { precision }) }) ?? null,
    ...(classes && { classes }),
    files: store.artifacts
      .all()
      .filter((file) => file.trial === number && ofPrecision(filePrecisions.get(file.kind) ?? precision ?? 'fp32'))
      .map(({ kind, path, bytes, sha256 }) => ({ kind, path, bytes, sha256 })),
  };
}

/** @param evidence of the store as it is; for many members, read once */
export async function collectMember(
  store: Store,
  trial: ReportTrial,
  evidence = new RunEvidence(store),
): Promise<ReportMember> {
  const { number, genotypeId, precision, variants } = trial;
  const network = networkOf(store, genotypeId);
  const { files, ...kept } = keptOf(store, evidence, number, precision ?? undefined);
  return {
    ...trial,
    ...kept,
    costs: network === null ? null : await costsOf(network, trial),
    network,
    parts: network === null ? null : await partsOf(network),
    curves: {
      search: curveOf(store, 'search', number),
      final: curveOf(store, 'final', number),
    },
    files,
    ...(variants && {
      kept: Object.fromEntries(variants.map((one) => [one.precision, keptOf(store, evidence, number, one.precision)])),
    }),
  };
}
