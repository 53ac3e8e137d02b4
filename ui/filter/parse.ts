import { FilterProblem, type Keyword, type Token, tokensOf } from './tokens.js';
import { operators, type Literal, type Name, type Operator, type Tree, type WrittenLiteral } from './tree.js';

/** The deepest nesting of parentheses and `not`. */
const deepest = 100;

const operatorOf = (token: Token): Operator | undefined =>
  token.kind === 'symbol' ? operators.find((operator) => operator === token.symbol) : undefined;

/** A recursive descent parser, with a method for each rule of the grammar. */
class Parser {
  private next = 0;
  private depth = 0;

  constructor(
    private readonly text: string,
    private readonly tokens: readonly Token[],
  ) {}

  private get token(): Token {
    return this.tokens[Math.min(this.next, this.tokens.length - 1)];
  }

  /** Consumes the token if it is this word or symbol. */
  private accept(wanted: Keyword | '(' | ')' | ','): boolean {
    const { token } = this;
    const found = token.kind === 'keyword' ? token.word : token.kind === 'symbol' ? token.symbol : undefined;
    if (found !== wanted) return false;
    this.next++;
    return true;
  }

  private problem(expected: string): FilterProblem {
    const { token } = this;
    const { at, end } = token;
    return token.kind === 'end'
      ? new FilterProblem(`${expected} is missing at the end`, { at, end })
      : new FilterProblem(`expected ${expected}, not ${this.text.slice(at, end)}`, { at, end });
  }

  whole(): Tree {
    const tree = this.either();
    if (this.token.kind !== 'end') throw this.problem('"and" or "or"');
    return tree;
  }

  /** a and b or c … */
  private either(): Tree {
    return this.joined('or', () => this.joined('and', () => this.negated()));
  }

  private joined(kind: 'and' | 'or', part: () => Tree): Tree {
    const parts = [part()];
    while (this.accept(kind)) parts.push(part());
    return parts.length === 1 ? parts[0] : { kind, parts };
  }

  /** not a; (a); a comparison */
  private negated(): Tree {
    if (++this.depth > deepest) {
      const { at, end } = this.token;
      throw new FilterProblem(`more than ${deepest} nested parentheses and "not"`, { at, end });
    }
    const tree = this.accept('not')
      ? ({ kind: 'not', of: this.negated() } as const)
      : this.accept('(')
        ? this.closed()
        : this.comparison();
    this.depth--;
    return tree;
  }

  private closed(): Tree {
    const tree = this.either();
    if (!this.accept(')')) throw this.problem('")"');
    return tree;
  }

  private comparison(): Tree {
    const name = this.name();
    const operator = operatorOf(this.token);
    if (operator !== undefined) {
      this.next++;
      return { kind: 'compare', name, operator, value: this.literal() };
    }
    if (this.accept('in')) return this.list(name);
    if (this.token.kind === 'keyword' && this.token.word === 'not') {
      this.next++;
      if (!this.accept('in')) throw this.problem('"in"');
      return { kind: 'not', of: this.list(name) };
    }
    return { kind: 'is', name };
  }

  private list(name: Name): Tree {
    if (!this.accept('(')) throw this.problem('"(" and values');
    const values = [this.literal()];
    while (this.accept(',')) values.push(this.literal());
    if (!this.accept(')')) throw this.problem('"," or ")"');
    return { kind: 'in', name, values };
  }

  private name(): Name {
    const { token } = this;
    if (token.kind !== 'word' && token.kind !== 'quoted') throw this.problem('a name');
    this.next++;
    return { text: token.text, at: token.at, end: token.end };
  }

  private literal(): WrittenLiteral {
    const { token } = this;
    const { at, end } = token;
    const literal = literalOf(token);
    if (literal === undefined) throw this.problem('a value');
    this.next++;
    return { literal, at, end };
  }
}

function literalOf(token: Token): Literal | undefined {
  switch (token.kind) {
    case 'number':
      return { kind: 'number', value: token.value, percent: token.percent };
    case 'word':
    case 'quoted':
      return { kind: 'text', text: token.text };
    case 'keyword':
      return token.word === 'none' ? { kind: 'none' } : undefined;
    default:
      return undefined;
  }
}

/**
 * Parses an expression: comparisons (`accuracy > 0.87`, `block3.kernel in (3, 5)`, `frontier`) joined by `and`, `or`, `not`
 * and parentheses; `and` binds more tightly than `or`. An empty expression gives null.
 * @throws FilterProblem for a syntax error.
 */
export function parse(text: string): Tree | null {
  const tokens = tokensOf(text);
  return tokens.length === 1 ? null : new Parser(text, tokens).whole();
}
