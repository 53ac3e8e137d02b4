import { z } from 'zod';

/** Calibration methods; the better one on the validation images is taken, the first of equals. */
const methods = ['minmax', 'percentile'] as const;

const calibrationSchema = z.strictObject({
  images: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .default(512)
    .describe('training images that activations are observed on, drawn by the seed: the same for every trial'),
  methods: z
    .array(z.enum(methods))
    .min(1)
    .default([...methods])
    .describe(
      'how ranges of activations are found, the first of equals: minmax covers all that was seen, percentile leaves outliers out; the better one on the validation images is taken',
    ),
  percentile: z
    .number()
    .gt(50)
    .lte(100)
    .default(99.99)
    .describe('percentage of the values that percentile covers, at either end'),
});

/** Whether candidates are judged in int8: never, where it pays, or in int8 alone. */
export const int8Choices = ['off', 'auto', 'require'] as const;
export type Int8Choice = (typeof int8Choices)[number];

/** `compress:`. */
export const compressSchema = z.strictObject({
  int8: z
    .enum(int8Choices)
    .default('off')
    .describe(
      'eight-bit integers. auto: each trial trains once and is judged as float32 and as int8; int8 is a candidate where it passes both gates below. require: int8 alone counts, for devices that have nothing else; a gate that is missed is a warning',
    ),
  calibration: calibrationSchema.prefault({}).describe('how trained networks are quantized'),
  max_accuracy_drop: z
    .number()
    .min(0)
    .max(1)
    .default(0.005)
    .describe(
      'accuracy that int8 may lose on the validation images, as a share: 0.005 is half a point; for multi-label data mAP, for numbers R²',
    ),
  min_speedup: z
    .number()
    .gt(0)
    .default(1.05)
    .describe(
      'how many times as fast as float32 int8 has to be, measured side by side before training; judged where latency_ms is an objective',
    ),
});
export type CompressConfig = z.output<typeof compressSchema>;

export type GateLimits = Pick<CompressConfig, 'max_accuracy_drop' | 'min_speedup'>;
