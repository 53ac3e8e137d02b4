import { times } from '../../base/number-text.js';
import type { StoredPrecision } from '../../store/index.js';
import { rejections, type Rejection } from '../compress/verdict.js';
import type { PrecisionsReport, ReportVariant } from './data.js';

/**
 * What became of a variant and why: `chosen: 1.93 × as fast, −0.2 points`, `rejected: int8 is 0.71 × as fast ...`.
 * @param chosen what the trial is judged in; null while that is open.
 */
export function verdictText(
  { precision, accepted, reason, detail }: Omit<ReportVariant, 'verdict'>,
  chosen: StoredPrecision | null | undefined,
): string {
  if (accepted === null) return 'not judged yet';
  if (!accepted) return `rejected${reason === null ? '' : `: ${reason}`}`;
  const speed = detail?.speedup === undefined ? [] : [`${times(detail.speedup)} as fast`];
  const why = [...speed, ...(reason === null ? [] : [reason])];
  return `${precision === chosen ? 'chosen' : 'accepted'}${why.length === 0 ? '' : `: ${why.join(', ')}`}`;
}

const rejectionTexts: { readonly [R in Rejection]: string } = {
  speed: 'rejected by speed',
  accuracy: 'rejected by accuracy',
  quantizing: 'could not be quantized',
};

/** What int8 was rejected by, as far as it was: `11 rejected by speed`. */
export const rejectionsOf = (rejected: PrecisionsReport['rejected']): string[] =>
  rejections.filter((each) => rejected[each] > 0).map((each) => `${rejected[each]} ${rejectionTexts[each]}`);

/** `int8 chosen for 7 of 20 trials (11 rejected by speed, 2 rejected by accuracy)`. */
export function precisionsText({ chosen, judged, rejections: reasons }: PrecisionsReport): string {
  const why = reasons.length === 0 ? '' : ` (${reasons.join(', ')})`;
  return `int8 chosen for ${chosen} of ${judged} trials${why}`;
}
