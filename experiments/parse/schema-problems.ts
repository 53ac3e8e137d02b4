import type { z } from 'zod';
import { nearest } from '../../base/text.js';
import { measures } from '../schema/measures.js';
import { alternativesOf, discriminatorOf, type JsonSchema, valuesOf } from './json-schema.js';
import { gotExpected, isMap, type KeyPath, pathText, type Problem, quote, startsWith, valueAt } from './problem.js';
import type { Source } from './source.js';

/** The alternatives of a union whose discriminator matches the value; all of them when none does. */
function matching(schema: JsonSchema, value: unknown): readonly JsonSchema[] {
  const alternatives = alternativesOf(schema);
  if (!isMap(value)) return alternatives;
  const fits = alternatives.filter((alternative) => {
    const key = discriminatorOf(alternative);
    if (key === undefined || value[key] === undefined) return alternative.properties !== undefined;
    return valuesOf(alternative.properties?.[key] ?? {}).includes(value[key]);
  });
  return fits.length > 0 ? fits : alternatives;
}

function childSchema(schema: JsonSchema, key: string | number): readonly JsonSchema[] {
  const named = schema.properties?.[String(key)];
  if (named !== undefined) return [named];
  const item = typeof key === 'number' ? (schema.prefixItems?.[key] ?? schema.items) : undefined;
  const other = item ?? schema.additionalProperties;
  return typeof other === 'object' ? [other] : [];
}

/** The schemas that apply to the value at `path`. */
function schemasAt(root: JsonSchema, data: unknown, path: KeyPath): readonly JsonSchema[] {
  let schemas: readonly JsonSchema[] = [root];
  let value = data;
  for (const key of path) {
    const around = value;
    schemas = schemas.flatMap((schema) => matching(schema, around)).flatMap((schema) => childSchema(schema, key));
    value = isMap(value) || Array.isArray(value) ? (value as Record<string | number, unknown>)[key] : undefined;
  }
  return schemas;
}

const isSafeLimit = (limit: number): boolean => Math.abs(limit) === Number.MAX_SAFE_INTEGER;

function range(schema: JsonSchema): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  const low = minimum === undefined || isSafeLimit(minimum) ? undefined : minimum;
  const high = maximum === undefined || isSafeLimit(maximum) ? undefined : maximum;
  if (low !== undefined && high !== undefined) return ` from ${low} to ${high}`;
  const bounds = [
    ...(low === undefined ? [] : [`of at least ${low}`]),
    ...(exclusiveMinimum === undefined ? [] : [`above ${exclusiveMinimum}`]),
    ...(high === undefined ? [] : [`of at most ${high}`]),
    ...(exclusiveMaximum === undefined ? [] : [`below ${exclusiveMaximum}`]),
  ];
  return bounds.length === 0 ? '' : ` ${bounds.join(' and ')}`;
}

const listed = (items: readonly string[]): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} or ${items.at(-1) ?? ''}`;

const literal = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function list(schema: JsonSchema): string {
  const { minItems = 0, maxItems, items, prefixItems } = schema;
  if (prefixItems !== undefined)
    return `a list of ${prefixItems.length}: [${prefixItems.map((s) => expectation([s])).join('; ')}]`;
  const least = minItems > 0 ? ` with at least ${minItems} ${minItems === 1 ? 'entry' : 'entries'}` : '';
  const most = maxItems === undefined ? '' : ` ${least === '' ? 'with' : 'and'} at most ${maxItems}`;
  return `a list${least}${most}${typeof items === 'object' ? `, each ${expectation([items])}` : ''}`;
}

function map(schema: JsonSchema): string {
  const keys = Object.keys(schema.properties ?? {});
  return keys.length === 0 ? 'a map' : `a map with ${keys.join(', ')}`;
}

/** A union of maps as one phrase: `a map with type: sgd or adamw`. */
function maps(schemas: readonly JsonSchema[]): string[] {
  const key = schemas
    .map(discriminatorOf)
    .reduce((a, b) => (a === b ? a : undefined), discriminatorOf(schemas[0] ?? {}));
  if (schemas.length < 2 || key === undefined) return schemas.map(map);
  const values = schemas.flatMap(({ properties = {} }) => valuesOf(properties[key]));
  return [`a map with ${key}: ${listed(values.map(literal))}`];
}

const kinds = new Map<string | undefined, (schema: JsonSchema) => string>(
  Object.entries({
    integer: (schema) => `a whole number${range(schema)}`,
    number: (schema) => `a number${range(schema)}`,
    boolean: () => 'true or false',
    string: () => 'a text',
    array: list,
    object: map,
    null: () => 'nothing',
  }),
);

const inWords = (schema: JsonSchema): string => kinds.get(schema.type)?.(schema) ?? 'a value';

const phrases = (schemas: readonly JsonSchema[]): string[] => {
  const values = [...new Set(schemas.flatMap(valuesOf))].map(literal);
  const open = schemas.filter((schema) => valuesOf(schema).length === 0);
  return [
    ...(values.length < 2 ? values : [`one of ${listed(values)}`]),
    ...open.filter(({ type }) => type !== 'object').map(inWords),
    ...maps(open.filter(({ type }) => type === 'object')),
  ];
};

/** Allowed values as text: `a whole number from 1 to 64`, `one of relu, swish`, `a list, each a number`. */
function expectation(schemas: readonly JsonSchema[]): string {
  const alternatives = schemas.flatMap(alternativesOf);
  const single = phrases(alternatives.filter(({ type }) => type !== 'array'));
  const lists = alternatives.filter(({ type }) => type === 'array');
  const ofSuch = ({ items }: JsonSchema): boolean =>
    typeof items === 'object' && expectation([items]) === single.join();
  return [...new Set([...single, ...lists.map((other) => (ofSuch(other) ? 'a list of such' : inWords(other)))])].join(
    ', or ',
  );
}

/** Allowed words, including discriminator values of maps. */
const wordsOf = (schemas: readonly JsonSchema[]): string[] =>
  schemas
    .flatMap(alternativesOf)
    .flatMap((schema) => [...valuesOf(schema), ...valuesOf(schema.properties?.[discriminatorOf(schema) ?? ''] ?? {})])
    .filter((value) => typeof value === 'string');

/** Allowed keys of a map with this value. */
const keysOf = (schemas: readonly JsonSchema[], value: unknown): string[] => [
  ...new Set(
    schemas.flatMap((schema) => matching(schema, value)).flatMap(({ properties }) => Object.keys(properties ?? {})),
  ),
];

type Issue = z.core.$ZodIssue;

const keyPath = (path: readonly PropertyKey[]): KeyPath =>
  path.map((key) => (typeof key === 'symbol' ? String(key) : key));

/**
 * Replaces a union's issue by the issues of the alternative whose first mistake lies deepest; keeps it when every
 * alternative fails at the top.
 */
function flatten(issue: Issue): readonly Issue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
  const alternatives = issue.errors.map((errors) => errors.flatMap(flatten));
  const depth = (errors: readonly Issue[]): number =>
    Math.min(...errors.map((error) => error.path.length + (error.code === 'unrecognized_keys' ? 1 : 0)));
  const best = alternatives.reduce((a, b) => (depth(b) > depth(a) ? b : a));
  if (depth(best) === 0) return [issue];
  return best.map((error) => ({ ...error, path: [...issue.path, ...error.path] }));
}

interface Finding extends Problem {
  readonly missing?: boolean;
  /** The key that an unknown key probably stands for. */
  readonly meant?: KeyPath;
}

const noProxies =
  'was removed, because zero-cost proxies rank networks no better than macs does: bound macs under objectives';

const noFeatures =
  'was removed, because losses on features cost twice the time and teach no more than the logits do: leave it out';

const noFolders = 'was removed, because files travel over HTTP, once to each machine: leave it out';

const limitText = (name: string, bound: string): string =>
  `is a limit of an objective: objectives: [{ name: ${name}, constraint: { ${bound}: ... } }]`;

/** Keys of the past and keys in a wrong place, `*` for positions in lists, and what is written instead. */
const otherwise = new Map([
  ...Object.entries(measures).map(
    ([name, { direction }]) =>
      [`constraints.${name}`, limitText(name, direction === 'minimize' ? 'max' : 'min')] as const,
  ),
  ...['min', 'max'].map((bound) => [`objectives.*.${bound}`, limitText('...', bound)] as const),
  ...['train', 'final', 'supernet'].flatMap((part) =>
    ['hints', 'attention'].map((key) => [`${part}.loss.${key}`, noFeatures] as const),
  ),
  ...['train', 'final', 'supernet'].flatMap((part) =>
    ['focal', 'logit_adjustment'].map(
      (key) =>
        [
          `${part}.loss.${key}`,
          'was removed: class_weight: auto or class_sampling: balanced does more for rare classes',
        ] as const,
    ),
  ),
  ...['train', 'final'].map(
    (part) =>
      [
        `${part}.precision`,
        'was removed, because its speed was never measured on a graphics card: leave it out',
      ] as const,
  ),
  ...['train', 'final'].map(
    (part) =>
      [
        `${part}.quantize_aware`,
        'was removed, because no trained network lost enough in int8 to need it: give more calibration images, or another percentile',
      ] as const,
  ),
  ['engine.backend', 'was removed: engine: compiled trains on graphics cards and on the processor'],
  ['supernet.soft_labels', 'was removed, because it changed nothing: leave it out'],
  ['search.filter', noProxies],
  ['search.features', noProxies],
  ['workers.artifacts.type', noFolders],
  ['workers.artifacts.path', noFolders],
  ...['population', 'tournament', 'crossover'].map(
    (key) => [`search.${key}`, 'was removed with evolution and nsga2: leave it out'] as const,
  ),
]);

/** Keys of the past in any part of `space`. */
const removedOfSpaces = new Map([
  ['branches', 'was removed, because plain blocks are more accurate after as much processor time: train longer'],
]);

const betterControllers = 'was removed: local finds more in as many evaluations, and surrogate most';

/** Words of the past, after their key, and what replaces them. */
const removedWords = new Map<string, string>([
  ...['reinforce', 'tpe', 'evolution', 'nsga2'].map(
    (name) => [`search.controller: ${name}`, betterControllers] as const,
  ),
  ['space.preset: mobileone-s0', 'was removed with branches: take mobilenetv1, or mobilenetv4-conv-small'],
  ['engine: eager', 'was removed: compiled computes the same, and is faster'],
  ['space: fbnet', 'was removed: mobilenet and blocks have its inverted residuals'],
  ['space: ofa-mobilenetv3', 'was removed: its networks are nearest to those of mobilenet, preset mobilenetv3-large'],
  ...['halving', 'asha'].map(
    (name) =>
      [`search.fidelity: ${name}`, 'was removed: freeze-thaw finds more of a frontier in the same time'] as const,
  ),
]);

function unknownKeys(issue: Issue & { code: 'unrecognized_keys' }, source: Source, root: JsonSchema): Finding[] {
  const parent = keyPath(issue.path);
  const value = valueAt(source.data, parent);
  const allowed = keysOf(schemasAt(root, source.data, parent), value);
  const free = allowed.filter((key) => !(isMap(value) && key in value));
  return issue.keys.map((key) => {
    const meant = nearest(key, free) ?? nearest(key, allowed);
    const path = [...parent, key];
    return {
      where: source.where(path, 'key'),
      path,
      message:
        otherwise.get(pathText(path.map((part) => (typeof part === 'number' ? '*' : part)))) ??
        (path[0] === 'space' ? removedOfSpaces.get(key) : undefined) ??
        `unknown key '${key}'; allowed: ${allowed.join(', ')}${meant === undefined ? '' : `; did you mean '${meant}'?`}`,
      ...(meant === undefined ? {} : { meant: [...parent, meant] }),
    };
  });
}

/** The part of the path that is written in the file; a word that stands for a map ends it. */
function writtenPath(source: Source, path: KeyPath): KeyPath {
  const end = path.findIndex((_, depth) => {
    const around = valueAt(source.data, path.slice(0, depth));
    return !isMap(around) && !Array.isArray(around);
  });
  return end < 0 ? path : path.slice(0, end);
}

function describe(issue: Issue, source: Source, root: JsonSchema): Finding[] {
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue, source, root);
  const whole = keyPath(issue.path);
  const path = writtenPath(source, whole);
  const schemas = schemasAt(root, source.data, path);
  const value = valueAt(source.data, path);
  const where = source.where(path);
  const expected = expectation(schemas);
  if (value === undefined) return [{ where, path, message: `is missing; expected ${expected}`, missing: true }];
  if (issue.code === 'custom' || issue.code === 'invalid_format' || issue.code === 'invalid_key')
    return [{ where, path, message: `got ${quote(value)}; ${issue.message}` }];
  if (path.length < whole.length && issue.code === 'invalid_type') {
    const key = whole.slice(path.length).join('.');
    const word = quote(value);
    return [{ where, path, message: `got ${word}; it needs '${key}' too: {type: ${word}, ${key}: ...}` }];
  }
  const key = pathText(path).replace(/\.type$/, '');
  const removed = typeof value === 'string' ? removedWords.get(`${key}: ${value}`) : undefined;
  if (removed !== undefined) return [{ where, path, message: `${quote(value)} ${removed}` }];
  return [{ where, path, message: gotExpected(value, expected, wordsOf(schemas)) }];
}

/** Drops missing keys that are misspelt: they are reported as unknown keys. */
function withoutEchoes(findings: readonly Finding[]): Problem[] {
  const intended = findings.flatMap(({ meant }) => (meant === undefined ? [] : [meant]));
  const isEcho = ({ path, missing }: Finding): boolean =>
    missing === true && intended.some((other) => other.length === path.length && startsWith(path, other));
  return findings.filter((finding) => !isEcho(finding));
}

/** Zod issues as problems with position, written value and allowed values. */
export function zodProblems(issues: readonly Issue[], source: Source, root: JsonSchema): Problem[] {
  return withoutEchoes(issues.flatMap(flatten).flatMap((issue) => describe(issue, source, root)));
}
