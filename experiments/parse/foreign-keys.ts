import type { ExperimentKind } from '../schema.js';
import { experimentJsonSchema } from './json-schema.js';
import { isMap } from './path.js';
import type { Problem } from './problem.js';
import type { Source } from './source.js';

/** Why a table of results has no use for what training needs. */
const reason = "with a table as the space nothing is trained or measured; the objectives' columns say all";

/** The keys of a kind of experiments, under one that all have (or, without one, their own). */
function keysOf(kind: ExperimentKind, under: string | null): string[] {
  const { properties = {} } = experimentJsonSchema(kind);
  return Object.keys(under === null ? properties : (properties[under].properties ?? {}));
}

/** Keys that mean nothing where they stand: those of training beside a table, those of a supernet beside whose it is. */
export const foreignKeys = (source: Source, kind: ExperimentKind): Problem[] =>
  kind === 'table' ? besideTable(source) : besideSupernet(source);

/** How a supernet is trained, where one that was trained already is named. */
function besideSupernet(source: Source): Problem[] {
  const supernet: unknown = source.data['supernet'];
  if (!isMap(supernet) || supernet['from'] === undefined) return [];
  return keysOf('training', 'supernet')
    .filter((key) => key !== 'from' && Object.hasOwn(supernet, key))
    .map((key) => {
      const path = ['supernet', key];
      const message =
        'remove it: the supernet of supernet.from is trained already, and its configuration comes with it';
      return { where: source.where(path, 'key'), path, message };
    });
}

/** Keys that only experiments that train have, in one on a table. */
function besideTable(source: Source): Problem[] {
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
