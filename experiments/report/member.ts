import type { Environment } from '../../latency-models/index.js';
import type { Network } from '../../spaces/index.js';
import type { MeasurementRecord, Store, StoredPrecision, TrialStage } from '../../store/index.js';
import { deviceText } from './text.js';
import { collectFinals } from './finals.js';
import type { StoredRow } from '../stored/candidates.js';
import type {
  CurvePoint,
  NetworkPart,
  ReportCosts,
  ReportKept,
  ReportLatency,
  ReportMember,
  ReportTrial,
} from './data.js';

function toLatency({ ms, p50, p95, p99, interval, converged, environment }: MeasurementRecord): ReportLatency {
  // Written by the runner from a Measurement.
  const taken = environment as Environment;
  return { ms, p50, p95, p99, interval, converged, environment: taken, on: deviceText(taken) };
}

/** The learning curve of a training of a trial. */
export const curveOf = (store: Store, stage: TrialStage, trial: number): CurvePoint[] =>
  store.curves
    .of({ stage, trial })
    .map(({ epoch, trainLoss, validationAccuracy }) => ({ epoch, trainLoss, validationAccuracy }));

/** The network of a trial; null where the run looks its results up in a table. */
function networkOf(store: Store, genotypeId: string): Network | null {
  // The runner stores one of these for every trial when it is asked.
  const stored = store.networks.get(genotypeId) as Network | StoredRow;
  return stored.kind === 'network' ? stored : null;
}

/** Spaces are loaded here, not by those who only list trials. */
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

/** Files of a precision; all others are of the training, whatever the network is computed in. */
const filePrecisions = new Map<string, StoredPrecision>([
  ['onnx', 'fp32'],
  ['onnx-int8', 'int8'],
]);

/**
 * What is kept of a trial's network in one precision; latency is the one measured last.
 * @param precision absent: the run knows one only.
 */
function keptOf(store: Store, number: number, precision?: StoredPrecision): ReportKept {
  const ofPrecision = (known: StoredPrecision): boolean => precision === undefined || known === precision;
  const latest = store.measurements.of(number).findLast((measured) => ofPrecision(measured.precision));
  return {
    latency: latest === undefined ? null : toLatency(latest),
    predicted: store.trials.prediction(number, precision) ?? null,
    final: collectFinals(store).of({ number, ...(precision === undefined ? {} : { precision }) }) ?? null,
    files: store.artifacts
      .all()
      .filter((file) => file.trial === number && ofPrecision(filePrecisions.get(file.kind) ?? precision ?? 'fp32'))
      .map(({ kind, path, bytes, sha256 }) => ({ kind, path, bytes, sha256 })),
  };
}

/** Everything that is known of one trial, in the precision that it is shown in. */
export async function collectMember(store: Store, trial: ReportTrial): Promise<ReportMember> {
  const { number, genotypeId, precision, variants } = trial;
  const network = networkOf(store, genotypeId);
  const quantizeAware = curveOf(store, 'quantize-aware', number);
  const { files, ...kept } = keptOf(store, number, precision ?? undefined);
  return {
    ...trial,
    ...kept,
    costs: network === null ? null : await costsOf(network, trial),
    network,
    parts: network === null ? null : await partsOf(network),
    curves: {
      search: curveOf(store, 'search', number),
      final: curveOf(store, 'final', number),
      ...(quantizeAware.length > 0 && { quantizeAware }),
    },
    files,
    ...(variants && {
      kept: Object.fromEntries(variants.map((one) => [one.precision, keptOf(store, number, one.precision)])),
    }),
  };
}
