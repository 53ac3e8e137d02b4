import { join } from 'node:path';
import { mapFacts } from '../../deploy/metadata.js';
import { mainScores, scoreText } from '../../base/scores.js';
import type { CalibrationMethod, ModelMetadata } from '../../deploy/index.js';
import { detectionOf, mapTaskOf, type Network } from '../../spaces/index.js';
import type {
  MeasurementRecord,
  Store,
  StoredPrecision,
  TrialRecord,
  TrialStage,
  WeightsOrigin,
} from '../../store/index.js';
import { accuracyAmong, taskOf } from '../../experiments/schema/measures.js';
import { LatencyEvidence } from '../stored/uncertainty.js';
import { searchInitialisation, type TrainingExperiment } from '../../experiments/schema/experiment.js';
import { frontierModel } from '../stored/workdir.js';
import { settleWeightBits } from '../compression.js';
import { fileFacts } from '../models/file-facts.js';
import type { ExportJob } from '../jobs/jobs.js';
import { recordClasses } from '../trainings/training.js';
import { latencyValue } from '../latency/stored-latency.js';
import type { TrainingContext, TrainingPlan } from '../plan.js';
import type { Finalist } from './final-training.js';

/** A member of the frontier, and the weights of its file. */
export type FrontierMember =
  | { readonly finalist: Finalist; readonly precision: 'fp32'; readonly weights: string }
  | {
      readonly finalist: Finalist;
      readonly precision: 'int8';
      readonly weights: string;
      readonly method: CalibrationMethod;
    };

/** Whether a member's file is written, and its result stored. */
export const isSaved = (
  { store }: Pick<TrainingContext, 'store'>,
  trial: number,
  precision: StoredPrecision,
): boolean =>
  store.finals
    .all()
    .some((record) => record.trial === trial && record.precision === precision && record.state === 'complete');

/** The stage whose training made a member's weights. */
const stageOf = ({ finalist }: FrontierMember): TrialStage => (finalist.final === null ? 'search' : 'final');

/** Writes a member's ONNX file and stores its accuracy in ONNX Runtime. */
export async function save(context: TrainingContext, member: FrontierMember): Promise<void> {
  const { plan, jobs, store } = context;
  const { finalist, precision, weights } = member;
  const { trial, network, final } = finalist;
  const { number, seed } = trial;
  const path = frontierModel(number, precision);
  const measured = store.measurements.of(number).findLast((record) => record.precision === precision);
  const order = {
    id: precision === 'fp32' ? `export/${number}` : `export/${number}/${precision}`,
    job: {
      kind: 'export',
      candidate: { network, seed, weights },
      path: join(plan.workdir, path),
      metadata: {
        ...modelMetadata(plan, trial, network, latencyFact(store, measured)),
        precision,
        weights: weightsKind(plan.experiment, final),
      },
      ...(member.precision === 'int8' && { quantization: await quantizationOf(context, member.method) }),
      dataset: plan.dataset,
      threads: plan.threads,
    },
    sharing: 'shared',
  } as const;
  const { accuracy: found, details, sha256, bytes } = await jobs.submit(order).result;
  if (precision === 'fp32') compare(context, finalist, found.validation);
  // A final training that failed has its record already.
  const known = store.finals.all().some((record) => record.trial === number && record.precision === precision);
  const accuracy = precision === 'fp32' ? final?.accuracy : found.validation;
  store.transaction(() => {
    const kind = precision === 'fp32' ? 'onnx' : `onnx-${precision}`;
    store.artifacts.add({ stage: stageOf(member), trial: number }, { kind, path, sha256, bytes });
    for (const split of ['validation', 'test'] as const)
      recordClasses(context, number, { stage: 'final', precision, split }, details[split]);
    // Without a final training, only the test accuracy is new.
    if (!known)
      store.finals.finish(number, {
        precision,
        state: 'complete',
        testAccuracy: found.test,
        epochs: final?.epochs ?? 0,
        seconds: final?.seconds ?? 0,
        from: final?.from ?? searchInitialisation(plan.experiment),
        ...(final === null || accuracy === undefined ? {} : { accuracy }),
      });
  });
}

async function quantizationOf(
  context: TrainingContext,
  method: CalibrationMethod,
): Promise<NonNullable<ExportJob['quantization']>> {
  const { compress, seed } = context.plan.experiment;
  const { images, percentile } = compress.calibration;
  return { method, images, percentile, seed, weightBits: await settleWeightBits(context) };
}

/** Folding batch normalisation into convolutions may flip a few images at the border between two classes. */
const tolerance = 0.002;

/** Warns when a float file has another accuracy than its training found. */
function compare({ plan, observe }: TrainingContext, { trial, final }: Finalist, validation: number): void {
  const fp32 = trial.variants.find(({ precision }) => precision === 'fp32')?.values ?? trial.values;
  const trained = final?.accuracy ?? accuracyAmong(fp32)?.value;
  if (trained === undefined || Math.abs(validation - trained) <= tolerance) return;
  const task = taskOf(plan.experiment.data);
  const [found, before] = [validation, trained].map((score) => scoreText(task, score));
  observe({
    kind: 'warning',
    message: `trial ${trial.number}: ONNX Runtime finds ${found} validation ${mainScores[task].title}, training found ${before}`,
  });
}

/** The origin of weights: a final training, or without one the search. */
export function weightsKind(
  { search }: Pick<TrainingExperiment, 'search'>,
  final: { readonly from: WeightsOrigin; readonly epochs: number } | null,
): NonNullable<ModelMetadata['weights']> {
  const kinds = { train: 'trained', inherit: 'inherited', supernet: 'supernet' } as const;
  if (final === null || final.epochs === 0) return kinds[search.evaluate];
  return final.from === 'supernet' ? 'inherited' : 'trained';
}

/** A measured latency as metadata, with the interval that reports and the page show; empty where there is none. */
export function latencyFact(
  { measurements }: Pick<Store, 'measurements'>,
  latency: MeasurementRecord | undefined,
): Pick<ModelMetadata, 'latency'> {
  if (latency === undefined) return {};
  const all = measurements.brief();
  const brief = all.find(({ id }) => id === latency.id);
  const { ms, device } = latency;
  const interval = brief === undefined ? latency.interval : new LatencyEvidence(all).certainty(brief).interval;
  return { latency: { ms, provenance: latencyValue(latency).provenance, device, interval } };
}

/** The metadata of a trial's ONNX file, with its latest measured latency. */
export function modelMetadata(
  { experiment, data, space }: Pick<TrainingPlan, 'experiment' | 'data' | 'space'>,
  trial: TrialRecord,
  network: Network,
  latency: Pick<ModelMetadata, 'latency'>,
): ModelMetadata {
  const head = detectionOf(network);
  return {
    ...fileFacts(data, experiment.data, network.input),
    experiment: experiment.name,
    trial: trial.number,
    seed: trial.seed,
    genotype: trial.genotypeId,
    decisions: trial.choices,
    network,
    ...(head !== null && mapFacts(mapTaskOf(head), head.stride)),
    ...(space.places && { places: space.places(trial.genotype) }),
    ...latency,
  };
}
