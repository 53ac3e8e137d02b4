import { z } from 'zod';
import { contentHash } from '../../../base/hash.js';
import { environmentSchema, type Measurement, type Protocol } from '../../device.js';

/** The agent cannot keep what it is given; asking again is of no use. */
export const fullStatus = 507;

/** What goes between an agent and those who measure with it; models travel as bytes of their own, named by SHA-256. */
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

/** Asks for a measurement; the same id with the same content asks for the same measurement. */
export const requestSchema = z.strictObject({
  id: idSchema,
  models: z.array(sha256Schema).min(1).max(1000),
  protocol: protocolSchema,
  /** Measure once more what was lost in a restart of the agent. */
  again: z.boolean().default(false),
});
export type MeasurementRequest = z.output<typeof requestSchema>;

/** What a measurement is of: two requests under one id must agree in it. */
export const contentOf = ({ models, protocol }: Pick<MeasurementRequest, 'models' | 'protocol'>): string =>
  contentHash(models, protocol);

const measurementSchema: z.ZodType<Measurement> = z.object({
  ms: z.number().gt(0),
  p50: z.number(),
  p95: z.number(),
  p99: z.number(),
  interval: z.tuple([z.number(), z.number()]),
  converged: z.boolean(),
  samples: z.array(z.number()),
  reliable: z.boolean(),
  reasons: z.array(z.string()),
  provenance: z.enum(['measured', 'imported', 'predicted']),
  environment: environmentSchema,
});

/** Where a measurement stands. */
export const stateSchema = z.discriminatedUnion('state', [
  /** `done` is how far the one that runs now has come: a sign that waiting makes sense. */
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

/** What an agent measures with, and how that sums products of bytes; agents before this was asked do not tell. */
export const deviceSchema = z.object({
  device: z.string(),
  environment: environmentSchema,
  integers: z.enum(['exact', 'saturating']).optional(),
});

export const errorSchema = z.object({ error: z.object({ message: z.string(), hint: z.string().optional() }) });
