import { z } from 'zod';
import { contentHash } from '../../../base/hash.js';
import { environmentSchema, type Measurement, type Protocol } from '../../device.js';

/** The status of an agent without room for a model; repeating the request does not help. */
export const fullStatus = 507;

/** The routes of an agent. Models are uploaded separately, under their SHA-256. */
export const paths = {
  device: '/v1/device',
  model: (sha256: string): string => `/v1/models/${sha256}`,
  measurements: '/v1/measurements',
  measurement: (id: string): string => `/v1/measurements/${id}`,
} as const;

const protocolSchema: z.ZodType<Protocol> = z.strictObject({
  warmupMs: z.number().min(0).max(60_000),
  blockMs: z.number().min(0).max(60_000),
  minRuns: z.number().int().min(1).max(10_000),
  maxRuns: z.number().int().min(1).max(100_000),
  minBlocks: z.number().int().min(1).max(1000),
  maxBlocks: z.number().int().min(1).max(1000),
  tolerance: z.number().gt(0).max(1),
});

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
export const idSchema = z.string().regex(/^[\w.-]{1,128}$/);

/** A request for a measurement. Requests with the same id and content are the same measurement. */
export const requestSchema = z.strictObject({
  id: idSchema,
  models: z.array(sha256Schema).min(1).max(1000),
  protocol: protocolSchema,
  /** Repeat a measurement that a restart of the agent has lost. */
  again: z.boolean().default(false),
});
export type MeasurementRequest = z.output<typeof requestSchema>;

/** Hash of a measurement's content, which is the same for all requests with one id. */
export const contentOf = ({ models, protocol }: Pick<MeasurementRequest, 'models' | 'protocol'>): string =>
  contentHash(models, protocol);

const measurementSchema: z.ZodType<Measurement> = z.object({
  ms: z.number().gt(0),
  p50: z.number(),
  p95: z.number(),
  p99: z.number().nullable(),
  interval: z.tuple([z.number(), z.number()]),
  converged: z.boolean(),
  samples: z.array(z.number()),
  reliable: z.boolean(),
  reasons: z.array(z.string()),
  provenance: z.enum(['measured', 'imported', 'predicted']),
  environment: environmentSchema,
});

export const stateSchema = z.discriminatedUnion('state', [
  /** `done` is the progress of the measurement that runs now: it shows that the queue moves. */
  z.object({ state: z.literal('queued'), ahead: z.number(), done: z.number().default(0) }),
  z.object({ state: z.literal('running'), done: z.number(), total: z.number() }),
  z.object({ state: z.literal('done'), measurements: z.array(measurementSchema) }),
  z.object({
    state: z.literal('failed'),
    code: z.enum(['failure', 'invalid-input']),
    message: z.string(),
    hint: z.string().optional(),
  }),
  /** The agent was restarted before it had a result. */
  z.object({ state: z.literal('lost') }),
]);
export type MeasurementState = z.output<typeof stateSchema>;

/** An agent's device, and how it sums products of bytes (absent where a device cannot say). */
export const deviceSchema = z.object({
  device: z.string(),
  environment: environmentSchema,
  integers: z.enum(['exact', 'saturating']).optional(),
});

export const errorSchema = z.object({ error: z.object({ message: z.string(), hint: z.string().optional() }) });
