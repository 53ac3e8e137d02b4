import type { Cell, Field } from '../data/fields.js';
import { parse } from './parse.js';
import { FilterProblem, wordText } from './tokens.js';
import { treeText, type Tree } from './tree.js';

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

/** The expression with `kernel = 3` in place of its comparisons of a field. */
export function withChoice(text: string, { name }: Field, choice: Cell): string {
  const isAbout = (tree: Tree): boolean =>
    (tree.kind === 'compare' || tree.kind === 'in') && tree.name.text.toLowerCase() === name.toLowerCase();
  const value = choice === null ? 'none' : typeof choice === 'string' ? wordText(choice) : String(choice);
  const terms = [...termsOf(text).filter((tree) => !isAbout(tree)), ...termsOf(`${wordText(name)} = ${value}`)];
  return terms.length === 1 ? treeText(terms[0]) : treeText({ kind: 'and', parts: terms });
}
