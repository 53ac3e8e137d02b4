import { z } from 'zod';
import { invalidInput } from '../../base/errors.js';
import type { LatencyModel } from './latency-model.js';
import { PricedModel, pricedSchema } from './priced-model.js';

/**
 * A latency model from what its `toJSON` gave.
 * @throws NasError `invalid-input` for anything else.
 */
export function latencyModelFrom(json: unknown): LatencyModel {
  const parsed = pricedSchema.safeParse(json);
  if (parsed.success) return new PricedModel(parsed.data);
  throw invalidInput(`not a stored latency model: ${z.prettifyError(parsed.error)}`);
}
