import { z } from 'zod';
import { classifierFacts } from '../compiler/index.js';
import type { Network } from '../spaces/index.js';

const isNetwork = (value: unknown): value is Network =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'network';

const share = z.number().min(0).max(1);

/** Where a latency comes from, and what it is. */
const latencySchema = z.strictObject({
  /** For one batch on the device. */
  ms: z.number().gt(0),
  provenance: z.enum(['measured', 'predicted', 'imported']),
  device: z.string().optional(),
  /** 95 % confidence interval of a measurement, in ms. */
  interval: z.tuple([z.number(), z.number()]).readonly().optional(),
  /** Standard deviation of a prediction's error, in ms. */
  std: z.number().min(0).optional(),
});

/** What a deployed classifier says of itself: what using it takes (see `classifierFacts`), and where it comes from. */
export const modelMetadataSchema = z.strictObject({
  ...classifierFacts,
  /** Version of this package that wrote the file. */
  nas_version: z.string(),
  /** When the file was written (ISO 8601). */
  created: z.string(),
  experiment: z.string().optional(),
  trial: z.number().int().min(0).optional(),
  seed: z.number().int().min(0).optional(),
  /** Id of the genotype, and the choices that it stands for by decision. */
  genotype: z.string().optional(),
  decisions: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  network: z.custom<Network>(isNetwork, 'not a network').optional(),
  /** Share of images classified correctly, by split. */
  accuracy: z.strictObject({ validation: share.optional(), test: share.optional() }).optional(),
  latency: latencySchema.optional(),
});

export type ModelMetadata = Readonly<z.output<typeof modelMetadataSchema>>;
export type MetadataKey = keyof ModelMetadata;
