import { z } from 'zod';
import { invalidInput } from '../base/errors.js';
import { AdditiveModel, additiveSchema } from './additive.js';
import type { LatencyModel } from './latency-model.js';

const modelSchema = z.discriminatedUnion('kind', [additiveSchema.transform((data) => new AdditiveModel(data))]);

/**
 * A latency model from what its `toJSON` gave.
 * @throws NasError `invalid-input` for anything else.
 */
export function latencyModelFrom(json: unknown): LatencyModel {
  const parsed = modelSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw invalidInput(`not a stored latency model: ${z.prettifyError(parsed.error)}`);
}
