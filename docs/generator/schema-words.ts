import { stringify } from 'yaml';
import { alternativesOf, valuesOf, type JsonSchema } from '../../experiments/parse/json-schema.js';
import { code, codes } from './markdown.js';

/** The maps among the alternatives of a value. */
export const mapsOf = (schema: JsonSchema): readonly JsonSchema[] =>
  alternativesOf(schema).filter(({ properties }) => properties !== undefined);

/** The words that abbreviate a map. */
export const wordsOf = (schema: JsonSchema): readonly string[] =>
  mapsOf(schema).length === 0
    ? []
    : alternativesOf(schema).flatMap((each) => (each.properties === undefined ? valuesOf(each).map(String) : []));

/** The schema of a list's items. */
export const itemsOf = ({ items }: JsonSchema): JsonSchema | undefined =>
  typeof items === 'object' ? items : undefined;

/** For a value or a list of choices: the schema of the single value. */
function choiceOf(schema: JsonSchema): JsonSchema | undefined {
  const [single, list] = alternativesOf(schema);
  return alternativesOf(schema).length === 2 && list.type === 'array' && single.type !== 'array' ? single : undefined;
}

const plainTypes: Readonly<Record<string, readonly [one: string, many: string]>> = {
  integer: ['whole number', 'whole numbers'],
  number: ['number', 'numbers'],
  string: ['text', 'texts'],
  boolean: ['`true` or `false`', 'truth values'],
  object: ['map', 'maps'],
};

/** @throws Error for a type without a description. */
function plainType(schema: JsonSchema): readonly [one: string, many: string] {
  const found = plainTypes[schema.type ?? ''];
  if (!Object.hasOwn(plainTypes, schema.type ?? ''))
    throw new Error(`docs/generator/schema-words.ts has no words for ${JSON.stringify(schema)}`);
  return found;
}

/** The type of a value in words. */
export function typeOf(schema: JsonSchema): string {
  const choice = choiceOf(schema);
  if (choice !== undefined) return `${typeOf(choice)}; or a list of choices`;
  const items = itemsOf(schema);
  if (items !== undefined) {
    const words = wordsOf(items);
    const maps = mapsOf(items).length > 0;
    const types = maps ? [{ type: 'object' }] : alternativesOf(items);
    return `list of ${words.length > 0 ? 'names or maps' : types.map((one) => plainType(one)[1]).join(' or ')}`;
  }
  const { prefixItems } = schema;
  if (prefixItems !== undefined) return `list of ${prefixItems.length} ${plainType(prefixItems[0])[1]}`;
  const words = wordsOf(schema);
  if (mapsOf(schema).length > 0) return words.length === 0 ? 'map' : `map, or ${codes(words)}`;
  const values = alternativesOf(schema).flatMap(valuesOf);
  if (values.length > 0) return codes(values.map(String));
  return alternativesOf(schema)
    .map((each) => plainType(each)[0])
    .join(' or ');
}

/** Whether a bound is a real limit; zod also writes the limits of safe integers. */
const isBound = (bound: number | undefined): bound is number =>
  bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;

/** The bounds of a value in words; empty without bounds. */
export function rangeOf(schema: JsonSchema): string {
  if (schema.prefixItems !== undefined) return rangeOf(schema.prefixItems[0]);
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, minItems, pattern } = choiceOf(schema) ?? schema;
  if (isBound(minimum) && isBound(maximum)) return `${minimum} to ${maximum}`;
  return [
    ...(isBound(minimum) ? [`≥ ${minimum}`] : []),
    ...(isBound(exclusiveMinimum) ? [`> ${exclusiveMinimum}`] : []),
    ...(isBound(maximum) ? [`≤ ${maximum}`] : []),
    ...(isBound(exclusiveMaximum) ? [`< ${exclusiveMaximum}`] : []),
    ...(minItems === undefined ? [] : [`at least ${minItems}`]),
    ...(pattern === undefined ? [] : [code(pattern)]),
  ].join(', ');
}

const isEmptyMap = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;

/** The default of a key as YAML, or `required`. */
export function defaultOf({ default: fallback }: JsonSchema, required: boolean): string {
  if (fallback === undefined) return required ? '**required**' : '';
  if (isEmptyMap(fallback)) return '';
  return code(stringify(fallback, { collectionStyle: 'flow', flowCollectionPadding: false }).trim());
}
