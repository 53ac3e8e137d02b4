import type { ObjectiveValue, ObjectiveValues, StoredPrecision, TrialRecord } from '../../store/index.js';
import { speedGate, speedupOf } from '../compress/gates.js';
import { verdictDetail } from '../compress/verdict.js';
import { frontierCandidates, type Candidate } from '../stored/candidates.js';
import { measuresLatency, type LatencyService } from '../latency/latency.js';
import { latencyValue } from '../latency/stored-latency.js';
import type { TrainingContext, TrainingPlan } from '../plan.js';

/** What the settling of latencies needs of a run. */
type Settling = Pick<TrainingContext, 'store' | 'observe'> & { readonly plan: Pick<TrainingPlan, 'experiment'> };

/** The latest latencies of the frontier. */
type Latest = (trial: number, precision: StoredPrecision) => ObjectiveValue | undefined;

/** `network`, `3 networks`. */
export const networksOf = ({ length }: readonly unknown[]): string => (length === 1 ? 'network' : `${length} networks`);

/**
 * The frontier after its members were measured side by side, each in its precision; reports show these latencies. Where
 * int8 turns out not to be fast enough, it is no candidate any more. A new latency may let another candidate in, which is
 * then measured, too, with all others.
 */
export async function settledFrontier(context: TrainingContext, latency: LatencyService): Promise<Candidate[]> {
  const { plan, store, candidates, observe, stopping } = context;
  for (;;) {
    const latest = settleAll(context);
    const members = frontierCandidates(store.trials.all(), plan.experiment.objectives);
    if (!measuresLatency(plan) || stopping()) return members;
    const subjects = measuredFor(context, members);
    if (subjects.every(({ trial: { number }, precision }) => latest(number, precision) !== undefined)) return members;
    const message = `Measuring the frontier's ${networksOf(members)} side by side`;
    observe({ kind: 'phase', name: 'frontier', message });
    const measured = subjects.map(({ trial: { number, genotype, seed }, precision }) => ({
      genotype,
      candidate: { network: candidates.network(genotype), seed },
      trial: number,
      precision,
    }));
    if (!(await latency.measureAgain(measured))) return members;
  }
}

export type InPrecision = Pick<Candidate, 'trial' | 'precision'>;

/** The measurements that members need, each once: their own, and fp32 for the speed gate. */
export function measuredFor({ plan }: Settling, members: readonly Candidate[]): InPrecision[] {
  const needed = members.flatMap(({ trial, precision }): InPrecision[] => {
    const own = { trial, precision };
    const gated = precision === 'int8' && plan.experiment.compress.int8 === 'auto';
    return gated ? [{ trial, precision: 'fp32' }, own] : [own];
  });
  return [...new Map(needed.map((one) => [`${one.trial.number} ${one.precision}`, one])).values()];
}

function latestIn({ store }: Settling): Latest {
  const latest = new Map(
    store.measurements
      .all()
      .filter(({ purpose }) => purpose === 'frontier')
      .map((record) => [`${record.trial} ${record.precision}`, latencyValue(record)] as const),
  );
  return (trial, precision) => latest.get(`${trial} ${precision}`);
}

/** Stores the latest latencies of all trials. */
export function settleAll(context: Settling): Latest {
  const latest = latestIn(context);
  for (const trial of context.store.trials.all()) settle(context, trial, latest);
  return latest;
}

const latencyOf = (values: ObjectiveValues): number | undefined =>
  'latency_ms' in values ? values['latency_ms'].value : undefined;

/** Stores a trial's latest latencies, and judges its int8 by them. */
function settle(context: Settling, { number, precision: chosen, values, variants }: TrialRecord, latest: Latest): void {
  const { store } = context;
  for (const { precision, values: own } of variants) {
    const ms = latest(number, precision);
    if (ms !== undefined && ms.value !== latencyOf(own)) store.variants.revise(number, precision, { latency_ms: ms });
  }
  const ms = latest(number, chosen);
  if (ms !== undefined && ms.value !== latencyOf(values)) store.trials.revise(number, { latency_ms: ms });
  judgeSpeed(context, number, chosen, latest);
}

/** Rejects int8 where it is not fast enough, side by side with all others. */
function judgeSpeed({ plan, store, observe }: Settling, trial: number, chosen: StoredPrecision, latest: Latest): void {
  const { compress } = plan.experiment;
  const [fp32, int8] = [latest(trial, 'fp32')?.value, latest(trial, 'int8')?.value];
  if (compress.int8 !== 'auto' || fp32 === undefined || int8 === undefined) return;
  const variants = store.variants.of(trial);
  const variant = variants.find(({ precision }) => precision === 'int8');
  if (variant?.accepted !== true) return;
  const { passes, reason } = speedGate({ fp32, int8 }, compress);
  if (passes) return;
  const detail = { ...verdictDetail(variant.detail), rejected_by: 'speed', speedup: speedupOf({ fp32, int8 }) };
  store.transaction(() => {
    store.variants.judge(trial, 'int8', { accepted: false, reason, detail });
    const float = variants.find(({ precision }) => precision === 'fp32');
    if (chosen === 'int8' && float !== undefined) store.trials.revise(trial, float.values, 'fp32');
  });
  observe({ kind: 'note', message: `trial ${trial}: measured beside the frontier, ${reason}; it keeps fp32` });
}
