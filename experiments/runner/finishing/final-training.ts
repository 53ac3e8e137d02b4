import { NasError } from '../../../base/errors.js';
import type { CalibrationMethod } from '../../../deploy/index.js';
import { quantizeAwareTraining } from '../../../trainers/index.js';
import { points } from '../../../base/number-text.js';
import { accuracyGate } from '../../compress/index.js';
import { settleWeightBits } from '../compression.js';
import type { TrainingContext } from '../plan.js';
import type { Preparations } from '../jobs/preparations.js';
import type { QuantizeResult } from '../jobs/jobs.js';
import { train } from '../jobs/training.js';
import type { Network } from '../../../spaces/index.js';
import type { StoredPrecision, TrialRecord, WeightsOrigin } from '../../../store/index.js';

/** What a full training came to. */
interface FullTraining {
  readonly accuracy: number;
  readonly epochs: number;
  readonly seconds: number;
  /** File of the weights. */
  readonly weights: string;
  readonly from: WeightsOrigin;
}

/** A trial with members on the frontier, and its full training; null when there was none, or it failed. */
export interface Finalist {
  readonly trial: TrialRecord;
  readonly network: Network;
  /** Those in which it is on the frontier. */
  readonly precisions: readonly StoredPrecision[];
  readonly final: FullTraining | null;
}

/** A trial with its final training, one for all precisions, where there is one and it did not fail. */
export async function fullyTrained(
  context: TrainingContext,
  trial: TrialRecord,
  precisions: readonly StoredPrecision[],
  preparations: Preparations,
): Promise<Finalist> {
  const { plan, store, candidates, observe } = context;
  const { number, genotype, seed } = trial;
  const network = candidates.network(genotype);
  const asSearched: Finalist = { trial, network, precisions, final: null };
  const { final } = plan.experiment;
  const known = store.finals.all().filter((record) => record.trial === number);
  if (final === null || known.some(({ state }) => state === 'failed')) return asSearched;
  const { from, ...config } = final;
  const teacher = await preparations.teacher(config);
  const began = Date.now();
  const request = { stage: 'final', number, network, seed, train: config, teacher } as const;
  const outcome = await train(context, { ...request, initial: await preparations.initial(from, genotype) });
  if ('failed' in outcome) {
    const { failed: message } = outcome;
    const spent = { epochs: final.epochs, seconds: seconds(began), from, message } as const;
    store.transaction(() => {
      for (const precision of precisions) store.finals.finish(number, { precision, state: 'failed', ...spent });
    });
    observe({ kind: 'trial-finished', stage: 'final', number, state: 'failed', values: {}, message });
    return asSearched;
  }
  if (outcome.result.state !== 'complete') return asSearched;
  const { accuracy, weights, curve } = outcome.result;
  observe({ kind: 'trial-finished', stage: 'final', number, state: 'complete', values: { accuracy } });
  const spent = curve.reduce((sum, epoch) => sum + epoch.seconds, 0);
  return { ...asSearched, final: { accuracy, epochs: final.epochs, seconds: spent, weights, from } };
}

const seconds = (since: number): number => (Date.now() - since) / 1000;

/** What the int8 file of a network is made of. */
export interface Int8Weights {
  /** File of the weights. */
  readonly weights: string;
  /** How ranges of activations are found. */
  readonly method: CalibrationMethod;
  /** Epochs of fine-tuning with the rounding of int8; null: none were better than the weights as they were. */
  readonly quantizeAware: number | null;
}

type Quantized = Exclude<QuantizeResult, { readonly failed: string }>;

/**
 * The weights that a network's int8 file is made of: those that it has; or, where quantizing them costs more than is allowed
 * and the experiment asks for it, these fine-tuned with the rounding of int8 inside, if they are better on the validation
 * images. Undefined when the user stopped the run.
 * @param weights file of the float network's
 * @throws NasError `failure` when the network cannot be quantized
 */
export async function int8Weights(
  context: TrainingContext,
  finalist: Finalist,
  weights: string,
  preparations: Preparations,
): Promise<Int8Weights | undefined> {
  const { plan, observe } = context;
  const { compress, final, train: search } = plan.experiment;
  const { number } = finalist.trial;
  const before = await quantized(context, finalist, weights, 'final');
  const asTrained = { weights, method: before.method, quantizeAware: null };
  const gate = accuracyGate(before.accuracy, compress);
  if (gate.passes) return asTrained;
  const epochs = (final ?? search).quantize_aware?.epochs;
  if (epochs === undefined) {
    const hint = 'train.quantize_aware fine-tunes such networks with the rounding of int8';
    observe({ kind: 'warning', message: `trial ${number}: ${gate.reason} after its final training; ${hint}` });
    return asTrained;
  }
  const tuned = await fineTuned(context, finalist, { weights, method: before.method, epochs }, preparations);
  if (tuned === undefined) return undefined;
  if (tuned.weights === null) return asTrained;
  const after = await quantized(context, finalist, tuned.weights, 'quantize-aware');
  const won = after.accuracy.int8 - before.accuracy.int8;
  const message = `trial ${number}: fine-tuning with the rounding of int8 changes its accuracy by ${points(won)}`;
  observe({ kind: 'note', message: won > 0 ? message : `${message}; the weights stay as they were` });
  const best = won > 0 ? after : before;
  // What is lost is lost of the float network that it stands for.
  const left = accuracyGate({ fp32: before.accuracy.fp32, int8: best.accuracy.int8 }, compress);
  if (!left.passes) observe({ kind: 'warning', message: `trial ${number}: ${left.reason} after its fine-tuning` });
  return won > 0 ? { weights: tuned.weights, method: after.method, quantizeAware: epochs } : asTrained;
}

/** Quantizes weights in a worker and evaluates them on the validation images. */
async function quantized(
  context: TrainingContext,
  { trial: { number, seed }, network }: Finalist,
  weights: string,
  stage: 'final' | 'quantize-aware',
): Promise<Quantized> {
  const { plan, jobs } = context;
  const { experiment, dataset, threads } = plan;
  const job = {
    kind: 'quantize',
    candidate: { network, seed, weights },
    dataset,
    calibration: experiment.compress.calibration,
    seed: experiment.seed,
    weightBits: await settleWeightBits(context),
    threads,
  } as const;
  const result = await jobs.submit({ id: `quantize/${stage}/${number}`, job, sharing: 'shared' }).result;
  if ('failed' in result) throw new NasError('failure', `its int8 network cannot be had: ${result.failed}`);
  return result;
}

/** The file of weights that were fine-tuned with rounding: null when that failed; undefined when the user stopped the run. */
async function fineTuned(
  context: TrainingContext,
  { trial: { number, seed }, network }: Finalist,
  { weights, method, epochs }: { weights: string; method: CalibrationMethod; epochs: number },
  preparations: Preparations,
): Promise<{ readonly weights: string | null } | undefined> {
  const { experiment } = context.plan;
  const { calibration } = experiment.compress;
  const config = quantizeAwareTraining(experiment.final ?? experiment.train, epochs);
  const outcome = await train(context, {
    stage: 'quantize-aware',
    number,
    network,
    seed,
    train: config,
    teacher: await preparations.teacher(config),
    initial: { file: weights },
    quantizeAware: {
      weightBits: await settleWeightBits(context),
      method,
      percentile: calibration.percentile,
      images: calibration.images,
      seed: experiment.seed,
    },
  });
  const stage = 'quantize-aware';
  if ('failed' in outcome) {
    const { failed: message } = outcome;
    context.observe({ kind: 'trial-finished', stage, number, state: 'failed', values: {}, message });
    return { weights: null };
  }
  if (outcome.result.state !== 'complete') return undefined;
  const { accuracy, weights: file } = outcome.result;
  context.observe({ kind: 'trial-finished', stage, number, state: 'complete', values: { accuracy } });
  return { weights: file };
}
