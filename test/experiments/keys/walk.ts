import { alternativesOf, discriminatorOf, type JsonSchema, valuesOf } from '../../../experiments/parse/json-schema.js';

/** A part of a key path: `loss`, `loss(kd)` for one type of a union, `blocks[]` for the entries of a list. */
const partsOf = (key: string): readonly string[] => key.split('.');

/**
 * Every key of a schema, as `train.loss(kd).alpha`. The key that chooses a type of a union is one key: `train.loss.type`. Keys that
 * hold other keys are left out.
 */
export function keysOf(schema: JsonSchema): readonly string[] {
  const found = new Set<string>();
  const plain = new Set<string>();
  walk(schema, '', { found, plain });
  return [...found].filter((key) => plain.has(key) || !isParent(key, found)).sort();
}

interface Walk {
  readonly found: Set<string>;
  /** Keys with a plain value of their own, beside maps: `search.controller`. */
  readonly plain: Set<string>;
}

/** A key without the types of its unions. */
export const plainKey = (key: string): string => key.replaceAll(/\([\w-]+\)/g, '');

function isParent(key: string, all: ReadonlySet<string>): boolean {
  const plain = plainKey(key);
  return [...all].some(
    (other) => /^(\[\])?\./.test(plainKey(other).slice(plain.length)) && plainKey(other).startsWith(plain),
  );
}

function walk(schema: JsonSchema, path: string, state: Walk): void {
  const { found, plain } = state;
  const maps = alternativesOf(schema).flatMap(alternativesOf);
  const several = maps.filter(({ properties }) => properties !== undefined).length > 1;
  const words = maps.flatMap((map) => valuesOf(map.properties?.[discriminatorOf(map) ?? ''] ?? {}));
  const isPlain = ({ properties, items, ...map }: JsonSchema) =>
    properties === undefined && items === undefined && !valuesOf(map).some((value) => words.includes(value));
  if (maps.some(isPlain) && maps.some(({ properties }) => properties !== undefined)) {
    plain.add(path);
    found.add(path);
  }
  for (const map of maps) {
    if (typeof map.items === 'object') walk(map.items, `${path}[]`, state);
    const chooser = several ? discriminatorOf(map) : undefined;
    for (const [name, value] of Object.entries(map.properties ?? {})) {
      const types = chooser === undefined ? [] : valuesOf(map.properties?.[chooser] ?? {});
      if (name === chooser) found.add(join(path, name));
      else if (value.const !== undefined) continue;
      // CIFAR-10 and CIFAR-100 are one map of two types.
      else
        for (const at of types.length === 0 ? [path] : types.slice(0, 1).map((type) => `${path}(${String(type)})`)) {
          found.add(join(at, name));
          walk(value, join(at, name), state);
        }
    }
  }
}

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** The place of a key in an experiment, and the types that it needs there: `[path, type]`. */
export function placeOf(key: string): {
  readonly path: readonly (string | number)[];
  readonly types: readonly (readonly [path: readonly (string | number)[], type: string])[];
} {
  const path: (string | number)[] = [];
  const types: (readonly [readonly (string | number)[], string])[] = [];
  for (const part of partsOf(key)) {
    const type = /\(([\w-]+)\)$/.exec(part)?.[1];
    path.push(/^[\w-]+/.exec(part)?.[0] ?? '');
    if (part.includes('[]')) path.push(0);
    if (type !== undefined) types.push([[...path, 'type'], type]);
  }
  return { path, types };
}
