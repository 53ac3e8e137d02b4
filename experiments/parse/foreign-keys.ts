import type { ExperimentKind } from '../schema.js';
import { experimentJsonSchema } from './json-schema.js';
import type { Problem } from './problem.js';
import type { Source } from './source.js';

/** Why a table of results has no use for what training needs. */
const reason = "with a table as the space nothing is trained or measured; the objectives' columns say all";

/** The keys of a kind of experiments, under one that all have (or, without one, their own). */
function keysOf(kind: ExperimentKind, under: string | null): string[] {
  const { properties = {} } = experimentJsonSchema(kind);
  return Object.keys(under === null ? properties : (properties[under].properties ?? {}));
}

/** Keys that only experiments that train have, in one on a table. */
export function foreignKeys(source: Source, kind: ExperimentKind): Problem[] {
  if (kind === 'training') return [];
  return [null, 'search'].flatMap((under) => {
    const written: unknown = under === null ? source.data : source.data[under];
    if (typeof written !== 'object' || written === null) return [];
    const own = keysOf('table', under);
    return keysOf('training', under)
      .filter((key) => !own.includes(key) && Object.hasOwn(written, key))
      .map((key) => {
        const path = under === null ? [key] : [under, key];
        return { where: source.where(path, 'key'), path, message: `remove it: ${reason}` };
      });
  });
}
