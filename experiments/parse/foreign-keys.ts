import type { ExperimentKind } from '../schema.js';
import { experimentJsonSchema } from './json-schema.js';
import type { Problem } from './problem.js';
import type { Source } from './source.js';

/** Why a table of results has no use for what training needs. */
const reason = "with a table as the space nothing is trained or measured; the objectives' columns say all";

/** Keys that only experiments that train have, in one on a table. */
export function foreignKeys(source: Source, kind: ExperimentKind): Problem[] {
  if (kind === 'training') return [];
  const own = experimentJsonSchema('table').properties ?? {};
  return Object.keys(experimentJsonSchema('training').properties ?? {})
    .filter((key) => !Object.hasOwn(own, key) && Object.hasOwn(source.data, key))
    .map((key) => ({ where: source.where([key], 'key'), path: [key], message: `remove it: ${reason}` }));
}
