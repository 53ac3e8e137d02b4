import type { Cell, Field } from '../data/fields.js';
import { cellTestOf } from './compile.js';
import { parse } from './parse.js';
import { FilterProblem, wordText } from './tokens.js';
import { numberOf, treeText, type Tree } from './tree.js';

/** A comparison or list: what a brush on an axis of a chart can say. */
type Term = Tree & { readonly kind: 'compare' | 'in' };

/** The conditions that an expression joins by `and`; none for an expression with an error. */
function termsOf(text: string): readonly Tree[] {
  try {
    const tree = parse(text);
    return tree === null ? [] : tree.kind === 'and' ? tree.parts : [tree];
  } catch (error) {
    if (error instanceof FilterProblem) return [];
    throw error;
  }
}

const isTerm = (tree: Tree): tree is Term => tree.kind === 'compare' || tree.kind === 'in';

const isAbout = (tree: Tree, name: string): tree is Term =>
  isTerm(tree) && tree.name.text.toLowerCase() === name.toLowerCase();

const joined = (terms: readonly Tree[]): string =>
  terms.length === 1 ? treeText(terms[0]) : treeText({ kind: 'and', parts: terms });

/** The expression without its comparisons of these fields. */
export const without = (text: string, fields: readonly Field[]): string =>
  joined(termsOf(text).filter((tree) => !fields.some(({ name }) => isAbout(tree, name))));

/** The expression with a condition in place of its comparisons of a field; empty: without any. */
export const withTerm = (text: string, field: Field, term: string): string =>
  joined([...termsOf(without(text, [field])), ...termsOf(term)]);

/** `kernel = 3`, `kernel in (3, 5)`. */
export function choicesTerm({ name }: Field, choices: readonly Cell[]): string {
  const texts = choices.map((choice) =>
    choice === null ? 'none' : typeof choice === 'string' ? wordText(choice) : String(choice),
  );
  return texts.length === 1 ? `${wordText(name)} = ${texts[0]}` : `${wordText(name)} in (${texts.join(', ')})`;
}

/** `accuracy >= 0.871 and accuracy <= 0.9`; null: no bound. */
export const boundsTerm = ({ name }: Field, low: number | null, high: number | null): string =>
  [
    ...(low === null ? [] : [`${wordText(name)} >= ${low}`]),
    ...(high === null ? [] : [`${wordText(name)} <= ${high}`]),
  ].join(' and ');

/** The choices that an expression's comparisons of a field keep; null: it has none. */
export function keptChoices(text: string, field: Field, choices: readonly Cell[]): readonly Cell[] | null {
  const terms = termsOf(text).filter((tree) => isAbout(tree, field.name));
  try {
    const tests = terms.map((term) => cellTestOf(term, field));
    return tests.length === 0 ? null : choices.filter((choice) => tests.every((test) => test(choice)));
  } catch (error) {
    if (error instanceof FilterProblem) return null;
    throw error;
  }
}

/** The range that an expression's comparisons keep of a field of numbers; null: there are none. */
export function keptBounds(text: string, { name }: Field): readonly [low: number, high: number] | null {
  let [low, high, found] = [-Infinity, Infinity, false];
  for (const tree of termsOf(text)) {
    if (!isAbout(tree, name) || tree.kind !== 'compare' || tree.value.literal.kind !== 'number') continue;
    const value = numberOf(tree.value.literal);
    if (/[>=]/.test(tree.operator[0])) low = Math.max(low, value);
    if (/[<=]/.test(tree.operator[0])) high = Math.min(high, value);
    found ||= tree.operator !== '!=';
  }
  return found ? [low, high] : null;
}
