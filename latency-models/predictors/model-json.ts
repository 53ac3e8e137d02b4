import { z } from 'zod';
import { invalidInput } from '../../base/errors.js';
import type { LatencyModel } from './latency-model.js';
import { BlendedModel, blendedSchema } from './blended-model.js';
import { PricedModel, pricedSchema } from './priced-model.js';

const stored = z.discriminatedUnion('kind', [pricedSchema, blendedSchema]);

/**
 * A latency model from what its `toJSON` gave.
 * @throws NasError `invalid-input` for anything else.
 */
export function latencyModelFrom(json: unknown): LatencyModel {
  const { success, data, error } = stored.safeParse(json);
  if (success) return data.kind === 'blend' ? new BlendedModel(data) : new PricedModel(data);
  throw invalidInput(`not a stored latency model: ${z.prettifyError(error)}`);
}
