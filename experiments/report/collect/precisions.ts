import { median } from '../../../latency-models/statistics.js';
import type { Store } from '../../../store/index.js';
import { rejections, type Rejection } from '../../compress/verdict.js';
import type { PrecisionsReport, ReportTrial, ReportVariant } from '../data.js';
import { rejectionsOf } from '../precisions.js';
import { collectTrials } from './trials.js';

const middle = (values: readonly number[]): number | null => (values.length === 0 ? null : median(values));

const inPrecision = ({ variants }: ReportTrial, precision: ReportVariant['precision']): ReportVariant | undefined =>
  variants?.find((variant) => variant.precision === precision);

/** How many times as fast int8 was as fp32, where both were measured. */
function speedupOf(trial: ReportTrial): number[] {
  const [fp32, int8] = (['fp32', 'int8'] as const).map((precision) => inPrecision(trial, precision));
  const [slow, fast] = [fp32?.values['latency_ms'], int8?.values['latency_ms']];
  const told = int8?.detail?.speedup;
  if (slow !== undefined && fast !== undefined) return [slow / fast];
  return told === undefined ? [] : [told];
}

/** What int8 came to in a run; undefined when it knows fp32 only. */
export function collectPrecisions(
  store: Store,
  trials: readonly ReportTrial[] = collectTrials(store),
): PrecisionsReport | undefined {
  if (!store.variants.any()) return undefined;
  const judged = trials.flatMap((trial) => {
    const int8 = inPrecision(trial, 'int8');
    return int8 === undefined || int8.accepted === null ? [] : [{ trial, int8 }];
  });
  const rejectedBy = (rejection: Rejection): number =>
    judged.filter(({ int8 }) => int8.accepted === false && int8.detail?.rejected_by === rejection).length;
  const rejected = Object.fromEntries(rejections.map((rejection) => [rejection, rejectedBy(rejection)])) as Record<
    Rejection,
    number
  >;
  return {
    judged: judged.length,
    accepted: judged.filter(({ int8 }) => int8.accepted === true).length,
    chosen: judged.filter(({ trial }) => trial.state === 'complete' && trial.precision === 'int8').length,
    rejected,
    rejections: rejectionsOf(rejected),
    speedup: middle(trials.flatMap(speedupOf)),
    accuracyChange: middle(
      judged.flatMap(({ int8: { detail } }) => (detail?.accuracy ? [detail.accuracy.int8 - detail.accuracy.fp32] : [])),
    ),
  };
}
