import type { Network } from '../../../spaces/index.js';
import type { StoredPrecision, TrialRecord, WeightsOrigin } from '../../../store/index.js';
import type { TrainingContext } from '../context.js';
import type { Preparations } from '../jobs/preparations.js';
import { train } from '../jobs/training.js';

/** What a full training came to. */
export interface FullTraining {
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
