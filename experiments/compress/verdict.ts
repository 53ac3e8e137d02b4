import { z } from 'zod';
import type { IntegerArithmetic } from '../../compiler/index.js';
import type { WeightBits } from '../../deploy/index.js';

/** What int8 was rejected by: a gate, or that the trained network could not be quantized. */
export const rejections = ['speed', 'accuracy', 'quantizing'] as const;
export type Rejection = (typeof rejections)[number];

/** What the store keeps beside the verdict on a trial's int8 variant. */
const verdictDetailSchema = z.looseObject({
  /** Null: accepted. */
  rejected_by: z.enum(rejections).nullable(),
  /** How many times as fast as fp32; absent where fp32 was not measured. */
  speedup: z.number().optional(),
  /** Shares of right answers on the validation images, both through ONNX Runtime; absent where it was not quantized. */
  accuracy: z.object({ fp32: z.number(), int8: z.number() }).optional(),
  /** How ranges of activations were found, and what each way came to. */
  method: z.string().optional(),
  tried: z.array(z.object({ method: z.string(), accuracy: z.number() })).optional(),
  /** Images of the calibration. */
  images: z.number().int().optional(),
  weight_bits: z.number().int().optional(),
});
export type VerdictDetail = Readonly<z.output<typeof verdictDetailSchema>>;

/** The detail of a stored verdict; undefined where there is none in this form. */
export const verdictDetail = (detail: unknown): VerdictDetail | undefined => verdictDetailSchema.safeParse(detail).data;

/** The bits of quantized weights for a device: seven where its sums of products of eight would saturate. */
export const weightBitsFor = (arithmetic: IntegerArithmetic): WeightBits => (arithmetic === 'saturating' ? 7 : 8);
