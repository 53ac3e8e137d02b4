/** A range of an expression, from `at` up to but not including `end`. */
export interface Span {
  readonly at: number;
  readonly end: number;
}

/** An error in an expression. The message is a clause, the hint a sentence. */
export class FilterProblem extends Error {
  override readonly name = 'FilterProblem';

  constructor(
    message: string,
    readonly span: Span,
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** Reserved words, in any case. */
const keywords = ['and', 'or', 'not', 'in', 'none'] as const;
export type Keyword = (typeof keywords)[number];

const symbols = ['(', ')', ',', '!=', '!~', '<=', '>=', '<', '>', '=', '~'] as const;
type TokenSymbol = (typeof symbols)[number];

export type Token = Span &
  (
    | { readonly kind: 'keyword'; readonly word: Keyword }
    | { readonly kind: 'symbol'; readonly symbol: TokenSymbol }
    | { readonly kind: 'number'; readonly value: number; readonly percent: boolean; readonly text: string }
    | { readonly kind: 'word' | 'quoted'; readonly text: string }
    | { readonly kind: 'end' }
  );

/** Spellings of other languages. */
const spellings: Readonly<Partial<Record<string, TokenSymbol>>> = {
  '==': '=',
  '<>': '!=',
  '≤': '<=',
  '≥': '>=',
  '≠': '!=',
};
const others: Readonly<Partial<Record<string, Keyword>>> = { '&&': 'and', '||': 'or', '!': 'not' };

const space = /\s+/y;
const number = /[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?(?![\p{L}\p{N}_./-])/iuy;
const percentSign = /\s*%/y;
const word = /[\p{L}\p{N}_][\p{L}\p{N}_./-]*/uy;
const quoted = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/suy;

/** The match of a sticky pattern at this position. */
function foundAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

const keywordOf = (text: string): Keyword | undefined => keywords.find((each) => each === text.toLowerCase());

function symbolAt(text: string, at: number): { readonly written: string; readonly token: Token } | undefined {
  const span = (written: string): Span => ({ at, end: at + written.length });
  for (const length of [2, 1]) {
    const written = text.slice(at, at + length);
    const symbol = symbols.find((each) => each === written) ?? spellings[written];
    if (symbol !== undefined) return { written, token: { kind: 'symbol', symbol, ...span(written) } };
    const other = others[written];
    if (other !== undefined) return { written, token: { kind: 'keyword', word: other, ...span(written) } };
  }
  return undefined;
}

function tokenAt(text: string, at: number): Token {
  const span = (written: string): Span => ({ at, end: at + written.length });
  const digits = foundAt(number, text, at);
  if (digits !== undefined) {
    const sign = foundAt(percentSign, text, at + digits.length) ?? '';
    return { kind: 'number', value: Number(digits), percent: sign !== '', text: digits, ...span(digits + sign) };
  }
  const letters = foundAt(word, text, at);
  if (letters !== undefined) {
    const keyword = keywordOf(letters);
    return keyword === undefined
      ? { kind: 'word', text: letters, ...span(letters) }
      : { kind: 'keyword', word: keyword, ...span(letters) };
  }
  const inQuotes = foundAt(quoted, text, at);
  if (inQuotes !== undefined)
    return { kind: 'quoted', text: inQuotes.slice(1, -1).replaceAll(/\\(.)/gsu, '$1'), ...span(inQuotes) };
  const symbol = symbolAt(text, at);
  if (symbol !== undefined) return symbol.token;
  const letter = String.fromCodePoint(text.codePointAt(at) ?? 0);
  throw letter === '"' || letter === "'"
    ? new FilterProblem('this text is not closed', { at, end: text.length }, `Write ${letter} where it ends.`)
    : new FilterProblem(`unexpected ${letter}`, { at, end: at + letter.length });
}

/** Splits an expression into tokens; the last one marks its end. @throws FilterProblem at an unexpected character. */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at += foundAt(space, text, at)?.length ?? 0;
    if (at >= text.length) return [...tokens, { kind: 'end', at: text.length, end: text.length }];
    const token = tokenAt(text, at);
    tokens.push(token);
    at = token.end;
  }
}

/** Quotes a word if an expression needs it. */
export function wordText(text: string): string {
  const bare =
    foundAt(word, text, 0) === text && foundAt(number, text, 0) === undefined && keywordOf(text) === undefined;
  return bare ? text : `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
