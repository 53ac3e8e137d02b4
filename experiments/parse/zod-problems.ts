import type { z } from 'zod';
import { expectation, keysOf, schemasAt, wordsOf } from './expectation.js';
import type { JsonSchema } from './json-schema.js';
import { nearest } from './nearest.js';
import { isMap, startsWith, valueAt, type KeyPath } from './path.js';
import { gotExpected, quote, type Problem } from './problem.js';
import type { Source } from './source.js';

type Issue = z.core.$ZodIssue;

const keyPath = (path: readonly PropertyKey[]): KeyPath =>
  path.map((key) => (typeof key === 'symbol' ? String(key) : key));

/**
 * A union's issue as the issues of the alternative that came furthest: the one whose first mistake lies deepest. When
 * every alternative fails at once, the union's own issue stays.
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

/** A problem, and what it says about its neighbours. */
interface Finding extends Problem {
  readonly missing?: boolean;
  /** The key that an unknown one was probably meant to be. */
  readonly meant?: KeyPath;
}

function unknownKeys(issue: Issue & { code: 'unrecognized_keys' }, source: Source, root: JsonSchema): Finding[] {
  const parent = keyPath(issue.path);
  const value = valueAt(source.data, parent);
  const allowed = keysOf(schemasAt(root, source.data, parent), value);
  const free = allowed.filter((key) => !(isMap(value) && key in value));
  return issue.keys.map((key) => {
    const meant = nearest(key, free) ?? nearest(key, allowed);
    const question = meant === undefined ? '' : `; did you mean '${meant}'?`;
    const path = [...parent, key];
    return {
      where: source.where(path, 'key'),
      path,
      message: `unknown key '${key}'; allowed: ${allowed.join(', ')}${question}`,
      ...(meant === undefined ? {} : { meant: [...parent, meant] }),
    };
  });
}

/** The path as far as it was written; a word that stands for a map ends it. */
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
  return [{ where, path, message: gotExpected(value, expected, wordsOf(schemas)) }];
}

/** A key that is missing only because it was misspelt is one problem, not two. */
function withoutEchoes(findings: readonly Finding[]): Problem[] {
  const intended = findings.flatMap(({ meant }) => (meant === undefined ? [] : [meant]));
  const isEcho = ({ path, missing }: Finding): boolean =>
    missing === true && intended.some((other) => other.length === path.length && startsWith(path, other));
  return findings.filter((finding) => !isEcho(finding));
}

/** What zod found, each with where it was written, what was got and what is allowed. */
export function zodProblems(issues: readonly Issue[], source: Source, root: JsonSchema): Problem[] {
  return withoutEchoes(issues.flatMap(flatten).flatMap((issue) => describe(issue, source, root)));
}
