import type { TrialRecord, VariantRecord } from '../../../store/index.js';
import { verdictDetail, type Rejection } from '../../compress/index.js';

/** The int8 variant of a trial, when it has one. */
export const int8Of = (variants: readonly VariantRecord[]): VariantRecord | undefined =>
  variants.find(({ precision }) => precision === 'int8');

/** `int8 was chosen for 7 of 20 trials (11 rejected by speed, 2 by accuracy)`; undefined when no trial was judged. */
export function tallyText(trials: readonly TrialRecord[]): string | undefined {
  const judged = trials.flatMap(({ variants }) => {
    const int8 = int8Of(variants);
    return int8 === undefined || int8.accepted === null ? [] : [int8];
  });
  if (judged.length === 0) return undefined;
  const accepted = judged.filter((variant) => variant.accepted === true).length;
  const rejectedBy = (rejection: Rejection): number =>
    judged.filter(({ accepted, detail }) => accepted !== true && verdictDetail(detail)?.rejected_by === rejection)
      .length;
  const gates = (['speed', 'accuracy'] as const).filter((gate) => rejectedBy(gate) > 0);
  const unquantized = rejectedBy('quantizing');
  const parts = [
    ...gates.map((gate, i) => `${rejectedBy(gate)} ${i === 0 ? 'rejected ' : ''}by ${gate}`),
    ...(unquantized === 0 ? [] : [`${unquantized} could not be quantized`]),
  ];
  const rejected = parts.length === 0 ? '' : ` (${parts.join(', ')})`;
  return `int8 was chosen for ${accepted} of ${judged.length} trials${rejected}`;
}

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
