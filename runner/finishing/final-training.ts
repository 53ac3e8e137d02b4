import { NasError } from '../../base/errors.js';
import { mainScores, scoreChange } from '../../base/scores.js';
import type { CalibrationMethod } from '../../deploy/index.js';
import type { Network } from '../../spaces/index.js';
import type { StoredPrecision, TrialRecord, WeightsOrigin } from '../../store/index.js';
import { fromTrained, quantizeAwareTraining } from '../../trainers/index.js';
import { accuracyGate } from '../compress/index.js';
import { accuracyOf, taskOf } from '../../experiments/schema/measures.js';
import { quantizeOrder, settleWeightBits } from '../compression.js';
import type { QuantizeResult } from '../jobs/jobs.js';
import type { Preparations } from '../trainings/preparations.js';
import { train } from '../trainings/training.js';
import type { TrainingContext } from '../plan.js';

/** The result of a training on the full schedule. */
interface FullTraining {
  readonly accuracy: number;
  readonly epochs: number;
  readonly seconds: number;
  /** File of the weights. */
  readonly weights: string;
  readonly from: WeightsOrigin;
}

/** A trial on the frontier, and its full training; null when there was none, or it failed. */
export interface Finalist {
  readonly trial: TrialRecord;
  readonly network: Network;
  /** The precisions in which it is on the frontier. */
  readonly precisions: readonly StoredPrecision[];
  readonly final: FullTraining | null;
}

/** Trains a trial on the full schedule, once for all precisions, where the experiment asks for that. */
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
  const { from, ...full } = final;
  const { epochs } = full;
  const { train: config, teacher } = await preparations.taught(full);
  const began = Date.now();
  const initial = await preparations.initial(from, genotype);
  const outcome = await train(context, {
    stage: 'final',
    number,
    network,
    seed,
    train: initial === undefined ? config : fromTrained(config),
    teacher,
    initial,
  });
  if ('failed' in outcome) {
    const { failed: message } = outcome;
    const seconds = (Date.now() - began) / 1000;
    store.transaction(() => {
      for (const precision of precisions)
        store.finals.finish(number, { precision, state: 'failed', epochs, seconds, from, message });
    });
    observe({ kind: 'trial-finished', stage: 'final', number, state: 'failed', values: {}, message });
    return asSearched;
  }
  if (outcome.result.state !== 'complete') return asSearched;
  const { accuracy, weights, curve } = outcome.result;
  const values = { [accuracyOf('train', taskOf(plan.experiment.data))]: accuracy };
  observe({ kind: 'trial-finished', stage: 'final', number, state: 'complete', values });
  const seconds = curve.reduce((sum, epoch) => sum + epoch.seconds, 0);
  return { ...asSearched, final: { accuracy, epochs, seconds, weights, from } };
}

export interface Int8Weights {
  /** File of the weights. */
  readonly weights: string;
  /** How ranges of activations are found. */
  readonly method: CalibrationMethod;
  /** Epochs of fine-tuning with the rounding of int8; null: the weights are as trained. */
  readonly quantizeAware: number | null;
}

type Quantized = Exclude<QuantizeResult, { readonly failed: string }>;

/**
 * The weights of a network's int8 file: the trained ones. Where quantizing them costs more accuracy than is allowed and the
 * experiment asks for it, they are fine-tuned with the rounding of int8, and replaced if that is better on the validation
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
  const task = taskOf(plan.experiment.data);
  const gate = accuracyGate(before.accuracy, compress, task);
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
  const gain = after.accuracy.int8 - before.accuracy.int8;
  const message = `trial ${number}: fine-tuning with the rounding of int8 changes its ${mainScores[task].title} by ${scoreChange(task, gain)}`;
  observe({ kind: 'note', message: gain > 0 ? message : `${message}; the weights stay as they were` });
  const best = gain > 0 ? after : before;
  // The loss counts against the float network that the file stands for.
  const left = accuracyGate({ fp32: before.accuracy.fp32, int8: best.accuracy.int8 }, compress, task);
  if (!left.passes) observe({ kind: 'warning', message: `trial ${number}: ${left.reason} after its fine-tuning` });
  return gain > 0 ? { weights: tuned.weights, method: after.method, quantizeAware: epochs } : asTrained;
}

/** Quantizes weights in a worker and evaluates them on the validation images. */
async function quantized(
  context: TrainingContext,
  { trial: { number, seed }, network }: Finalist,
  weights: string,
  stage: 'final' | 'quantize-aware',
): Promise<Quantized> {
  const order = await quantizeOrder(context, `quantize/${stage}/${number}`, { network, seed, weights });
  const result = await context.jobs.submit(order).result;
  if ('failed' in result) throw new NasError('failure', `its int8 network cannot be had: ${result.failed}`);
  return result;
}

/** The file of weights fine-tuned with rounding: null when that failed; undefined when the user stopped the run. */
async function fineTuned(
  context: TrainingContext,
  { trial: { number, seed }, network }: Finalist,
  { weights, method, epochs }: { weights: string; method: CalibrationMethod; epochs: number },
  preparations: Preparations,
): Promise<{ readonly weights: string | null } | undefined> {
  const { experiment } = context.plan;
  const { images, percentile } = experiment.compress.calibration;
  const { train: config, teacher } = await preparations.taught(
    quantizeAwareTraining(experiment.final ?? experiment.train, epochs),
  );
  const stage = 'quantize-aware';
  const outcome = await train(context, {
    stage,
    number,
    network,
    seed,
    train: config,
    teacher,
    initial: { file: weights },
    quantizeAware: {
      weightBits: await settleWeightBits(context),
      method,
      percentile,
      images,
      seed: experiment.seed,
    },
  });
  if ('failed' in outcome) {
    const { failed: message } = outcome;
    context.observe({ kind: 'trial-finished', stage, number, state: 'failed', values: {}, message });
    return { weights: null };
  }
  if (outcome.result.state !== 'complete') return undefined;
  const { accuracy, weights: file } = outcome.result;
  const values = { [accuracyOf('train', taskOf(experiment.data))]: accuracy };
  context.observe({ kind: 'trial-finished', stage, number, state: 'complete', values });
  return { weights: file };
}
