import { NasError } from '../../base/errors.js';
import type { CalibrationMethod } from '../../deploy/index.js';
import type { Network } from '../../spaces/index.js';
import type { StoredPrecision, TrialRecord, WeightsOrigin } from '../../store/index.js';
import { fromTrained, type NetworkTeacher } from '../../trainers/index.js';
import { accuracyGate } from '../compress/gates.js';
import { accuracyOf, taskOf } from '../../experiments/schema/measures.js';
import { quantizeOrder } from '../compression.js';
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

/**
 * Trains a trial on the full schedule, once for all precisions, where the experiment asks for that.
 * @param frontier a finalist that teaches; absent: the teacher of the experiment does, if there is one
 */
export async function fullyTrained(
  context: TrainingContext,
  trial: TrialRecord,
  precisions: readonly StoredPrecision[],
  preparations: Preparations,
  frontier?: NetworkTeacher,
): Promise<Finalist> {
  const { plan, store, candidates, observe } = context;
  const { number, genotype, seed } = trial;
  const network = candidates.network(genotype);
  const asSearched: Finalist = { trial, network, precisions, final: null };
  const { final } = plan.experiment;
  const known = store.finals.all().filter((record) => record.trial === number);
  if (final === null || known.some(({ state }) => state === 'failed')) return asSearched;
  const { from, teacher: _, ...full } = final;
  const { epochs } = full;
  const { train: config, teacher } = await (frontier === undefined
    ? preparations.taught(full)
    : preparations.taughtBy(frontier, full));
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

/**
 * How ranges of activations are found for a network's int8 file. Warns where quantizing the weights costs more accuracy than
 * is allowed.
 * @param weights file of the float network's
 * @throws NasError `failure` when the network cannot be quantized
 */
export async function calibrationMethod(
  context: TrainingContext,
  { trial: { number, seed }, network }: Finalist,
  weights: string,
): Promise<CalibrationMethod> {
  const { plan, observe, jobs } = context;
  const order = await quantizeOrder(context, `quantize/final/${number}`, { network, seed, weights });
  const result = await jobs.submit(order).result;
  if ('failed' in result) throw new NasError('failure', `its int8 network cannot be had: ${result.failed}`);
  const gate = accuracyGate(result.accuracy, plan.experiment.compress, taskOf(plan.experiment.data));
  if (!gate.passes) observe({ kind: 'warning', message: `trial ${number}: ${gate.reason} after its final training` });
  return result.method;
}
