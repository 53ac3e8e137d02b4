import { z } from 'zod';

/** A device in an experiment. */
export const deviceSchema = z.strictObject({
  type: z.literal('local').default('local'),
  /** ONNX Runtime execution provider, as `nas doctor` lists them. */
  provider: z.string().default('cpu'),
  threads: z.number().int().min(1).default(1),
  batch: z.number().int().min(1).default(1),
});
export type DeviceConfig = z.output<typeof deviceSchema>;

/** `latency:`; where latency is measured, the hard budget, and whether it is predicted before training. */
export const latencySchema = z.strictObject({
  device: z.preprocess((v) => (typeof v === 'string' ? { type: v } : v), deviceSchema.prefault({})),
  /** Hard limit in ms for one batch: the same as a `max` constraint on `latency_ms`. */
  budget_ms: z.number().gt(0).optional(),
  predictor: z.enum(['auto', 'none']).default('auto'),
  /** Networks measured (untrained) before the first trial to fit the predictor. */
  calibration: z.number().int().min(4).max(200).default(12),
});
export type LatencyConfig = z.output<typeof latencySchema>;
