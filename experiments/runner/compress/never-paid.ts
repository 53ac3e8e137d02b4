import type { VariantRecord } from '../../../store/index.js';
import { verdictDetail } from '../../compress/index.js';

/** The int8 variant of a trial, when it has one. */
export const int8Of = (variants: readonly VariantRecord[]): VariantRecord | undefined =>
  variants.find(({ precision }) => precision === 'int8');

/** So many trials in which int8 was too slow every time are enough for a doubt. */
const enough = 10;

/**
 * Whether int8 has just been too slow for so many trials, and never fast enough: its measurements are spent for nothing.
 * @param variants of all trials
 */
export function neverPaid(variants: Iterable<readonly VariantRecord[]>): boolean {
  let slow = 0;
  for (const of of variants) {
    const int8 = int8Of(of);
    if (int8 === undefined) continue;
    if (int8.accepted === null || verdictDetail(int8.detail)?.rejected_by !== 'speed') return false;
    slow++;
  }
  return slow === enough;
}

export const neverPaidText = `int8 has not paid once in ${enough} trials: compress: {int8: off} saves its measurements`;
