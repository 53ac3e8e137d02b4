import { z } from 'zod';
import { mainScores } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import type { IntegerArithmetic } from '../../compiler/index.js';
import type { WeightBits } from '../../deploy/index.js';
import type { StoredPrecision } from '../../store/index.js';

/** Why int8 was rejected: by a gate, or because the trained network could not be quantized. */
export const rejections = ['speed', 'accuracy', 'quantizing'] as const;
export type Rejection = (typeof rejections)[number];

/** Stored beside the verdict on a trial's int8 variant. */
const verdictDetailSchema = z.looseObject({
  /** Null: accepted. */
  rejected_by: z.enum(rejections).nullable(),
  /** How many times as fast as fp32; absent where fp32 was not measured. */
  speedup: z.number().optional(),
  /** Main scores on the validation images, both in ONNX Runtime; absent where it was not quantized. */
  accuracy: z.object({ fp32: z.number(), int8: z.number() }).optional(),
  /** The chosen calibration method, and the accuracy of each that was tried. */
  method: z.string().optional(),
  tried: z.array(z.object({ method: z.string(), accuracy: z.number() })).optional(),
  images: z.number().int().optional(),
  weight_bits: z.number().int().optional(),
});
export type VerdictDetail = Readonly<z.output<typeof verdictDetailSchema>>;

/** The detail of a stored verdict; undefined where there is none in this form. */
export const verdictDetail = (detail: unknown): VerdictDetail | undefined => verdictDetailSchema.safeParse(detail).data;

interface JudgedTrial {
  readonly state: string;
  readonly precision?: StoredPrecision | null;
  readonly variants?: readonly {
    readonly precision: StoredPrecision;
    readonly accepted: boolean | null;
    readonly detail: unknown;
  }[];
}

/** How often int8 was accepted in a run. */
export interface Int8Counts {
  /** Trials in which it was judged, was accepted, and was chosen. */
  readonly judged: number;
  readonly accepted: number;
  readonly chosen: number;
  /** Trials in which it was rejected, by the reason. */
  readonly rejected: Readonly<Record<Rejection, number>>;
  /** The same for people, without zeros: `11 rejected by speed`. */
  readonly rejections: readonly string[];
}

const rejectionTexts = (task: TaskType): { readonly [R in Rejection]: string } => ({
  speed: 'rejected by speed',
  accuracy: `rejected by ${mainScores[task].title}`,
  quantizing: 'could not be quantized',
});

export function countInt8(trials: readonly JudgedTrial[], task: TaskType): Int8Counts {
  const judged = trials.flatMap(({ state, precision, variants }) => {
    const int8 = variants?.find((variant) => variant.precision === 'int8');
    return int8 === undefined || int8.accepted === null ? [] : [{ state, precision, int8 }];
  });
  const isRejected = judged.filter(({ int8 }) => int8.accepted === false);
  const count = (reason: Rejection) =>
    isRejected.filter(({ int8 }) => verdictDetail(int8.detail)?.rejected_by === reason).length;
  const rejected = { speed: count('speed'), accuracy: count('accuracy'), quantizing: count('quantizing') };
  return {
    judged: judged.length,
    accepted: judged.length - isRejected.length,
    chosen: judged.filter(({ state, precision }) => state === 'complete' && precision === 'int8').length,
    rejected,
    rejections: rejections
      .filter((reason) => rejected[reason] > 0)
      .map((reason) => `${rejected[reason]} ${rejectionTexts(task)[reason]}`),
  };
}

/** `int8 chosen for 7 of 20 trials (11 rejected by speed, 2 rejected by accuracy)`. */
export function precisionsText({ chosen, judged, rejections: reasons }: Int8Counts): string {
  const why = reasons.length === 0 ? '' : ` (${reasons.join(', ')})`;
  return `int8 chosen for ${chosen} of ${judged} trials${why}`;
}

/** The bits of quantized weights for a device: 7 where its sums of products of 8-bit values would saturate. */
export const weightBitsFor = (arithmetic: IntegerArithmetic): WeightBits => (arithmetic === 'saturating' ? 7 : 8);
