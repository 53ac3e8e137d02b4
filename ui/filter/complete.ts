import type { Cell, Field } from '../data/fields.js';
import { tokensOf, wordText, type Token } from './tokens.js';
import { operators } from './tree.js';

interface Option {
  readonly text: string;
  readonly note: string;
}

/** Options at the caret, and the range that they replace. */
export interface Completion {
  readonly at: number;
  readonly end: number;
  readonly options: readonly Option[];
}

const most = 12;

/** The tokens before the caret; undefined after a syntax error. */
function tokensBefore(text: string, caret: number): readonly Token[] | undefined {
  try {
    return tokensOf(text.slice(0, caret)).filter(({ kind }) => kind !== 'end');
  } catch {
    return undefined;
  }
}

const isOperator = (token: Token | undefined): boolean =>
  token?.kind === 'symbol' && operators.some((operator) => operator === token.symbol);

/** The name whose value follows: `precision` after `precision =` and `precision in (fp32,`. */
function comparedName(tokens: readonly Token[]): string | undefined {
  const last = tokens.at(-1);
  let at = tokens.length - 2;
  if (!isOperator(last)) {
    if (last?.kind !== 'symbol' || (last.symbol !== ',' && last.symbol !== '(')) return undefined;
    const list = tokens.findLastIndex((token) => token.kind === 'keyword' && token.word === 'in');
    const open = tokens.findLastIndex((token) => token.kind === 'symbol' && token.symbol === '(');
    if (list < 0 || open !== list + 1) return undefined;
    at = list - 1;
    const before = tokens[at] as Token | undefined;
    if (before?.kind === 'keyword' && before.word === 'not') at--;
  }
  const name = tokens[at] as Token | undefined;
  return name?.kind === 'word' || name?.kind === 'quoted' ? name.text : undefined;
}

/** Whether a comparison can start after these tokens. */
function expectsName(tokens: readonly Token[]): boolean {
  const last = tokens.at(-1);
  return (
    last === undefined ||
    (last.kind === 'symbol' && last.symbol === '(') ||
    (last.kind === 'keyword' && ['and', 'or', 'not'].includes(last.word))
  );
}

/** Options that start with the written text, then those that contain it. */
function matching(options: readonly Option[], written: string): readonly Option[] {
  const wanted = written.toLowerCase();
  const begins = ({ text }: Option): boolean => text.toLowerCase().startsWith(wanted);
  const holds = ({ text, note }: Option): boolean => text.toLowerCase().includes(wanted) || note.includes(wanted);
  const found = options.filter(holds).sort((a, b) => Number(begins(b)) - Number(begins(a)));
  // A complete word needs no completion.
  return found.length === 1 && found[0].text.toLowerCase() === wanted ? [] : found.slice(0, most);
}

/** A value in the syntax of expressions. */
const valueText = (value: Cell): string =>
  typeof value === 'number'
    ? String(value)
    : typeof value === 'boolean'
      ? value
        ? 'yes'
        : 'no'
      : wordText(value ?? '');

/** Completes names of fields, values (where `valuesOf` knows them), or `and` and `or`. */
export function completionAt(
  text: string,
  caret: number,
  fields: readonly Field[],
  valuesOf: (field: Field) => readonly Cell[],
): Completion | null {
  const before = tokensBefore(text, caret);
  if (before === undefined) return null;
  const last = before.at(-1);
  const touches = last?.end === caret && (last.kind === 'word' || last.kind === 'keyword' || last.kind === 'number');
  const at = touches ? last.at : caret;
  const written = text.slice(at, caret);
  const tokens = touches ? before.slice(0, -1) : before;
  const answer = (options: readonly Option[]): Completion | null => {
    const found = matching(options, written);
    return found.length === 0 ? null : { at, end: caret, options: found };
  };
  const compared = comparedName(tokens);
  if (compared !== undefined) {
    const field = fields.find(({ name }) => name.toLowerCase() === compared.toLowerCase());
    return field === undefined ? null : answer(valuesOf(field).map((value) => ({ text: valueText(value), note: '' })));
  }
  if (expectsName(tokens)) return answer(fields.map(({ name, title }) => ({ text: wordText(name), note: title })));
  if (isOperator(tokens.at(-1)) || !touches) return null;
  return answer([
    { text: 'and', note: 'both conditions' },
    { text: 'or', note: 'either' },
  ]);
}
