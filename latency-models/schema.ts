import { z } from 'zod';

/** A device in an experiment. */
export const deviceSchema = z.strictObject({
  type: z.literal('local').default('local').describe('this machine, through ONNX Runtime'),
  provider: z.string().default('cpu').describe('ONNX Runtime execution provider, as `nas doctor` lists them'),
  threads: z.number().int().min(1).default(1).describe('threads within an operator'),
  batch: z.number().int().min(1).default(1).describe('images for each run'),
});
export type DeviceConfig = z.output<typeof deviceSchema>;

/** `latency:`; where latency is measured, the hard budget, and whether it is predicted before training. */
export const latencySchema = z.strictObject({
  device: z
    .preprocess((value) => (typeof value === 'string' ? { type: value } : value), deviceSchema.prefault({}))
    .describe('what latency is measured on'),
  budget_ms: z
    .number()
    .gt(0)
    .optional()
    .describe('hard limit in ms for one batch: the same as a `max` constraint on `latency_ms`'),
  predictor: z
    .enum(['auto', 'none'])
    .default('auto')
    .describe('auto: predict latency before training, from measurements of this run; none: measure every candidate'),
  calibration: z
    .number()
    .int()
    .min(4)
    .max(200)
    .default(12)
    .describe('networks measured (untrained) before the first trial to fit the predictor'),
});
export type LatencyConfig = z.output<typeof latencySchema>;
