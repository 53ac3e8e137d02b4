import { nearest } from '../../base/text.js';
import type { Cell, Field } from '../data/fields.js';
import { parse } from './parse.js';
import { FilterProblem } from './tokens.js';
import {
  literalText,
  numberOf,
  type Literal,
  type Name,
  type Operator,
  type Tree,
  type WrittenLiteral,
} from './tree.js';

export type Test = (row: number) => boolean;

export interface Filter {
  readonly test: Test;
  readonly reads: ReadonlySet<string>;
}

type CellTest = (cell: Cell) => boolean;

const truths: Readonly<Partial<Record<string, boolean>>> = { true: true, yes: true, false: false, no: false };

const lower = (cell: Cell): string => String(cell).toLowerCase();

/** Compares numbers by value, and everything else as text without case. */
function equal(literal: Literal): CellTest {
  if (literal.kind === 'none') return (cell) => cell === null;
  if (literal.kind === 'number') {
    const wanted = numberOf(literal);
    const text = literalText(literal);
    return (cell) => cell === wanted || (typeof cell === 'string' && cell === text);
  }
  const text = literal.text.toLowerCase();
  const truth = truths[text];
  return (cell) => cell !== null && (typeof cell === 'boolean' ? cell === truth : lower(cell) === text);
}

const orders: Readonly<Record<'<' | '<=' | '>' | '>=', (value: number) => CellTest>> = {
  '<': (value) => (cell) => typeof cell === 'number' && cell < value,
  '<=': (value) => (cell) => typeof cell === 'number' && cell <= value,
  '>': (value) => (cell) => typeof cell === 'number' && cell > value,
  '>=': (value) => (cell) => typeof cell === 'number' && cell >= value,
};

/** Rejects a value that the field cannot have: a typo must not look like an empty result. */
function checkValue({ name, kind, values }: Field, { literal, at, end }: WrittenLiteral): void {
  if (literal.kind === 'none') return;
  const text = literalText(literal);
  if (kind === 'number' && literal.kind === 'text')
    throw new FilterProblem(`${name} is a number, ${text} is not`, { at, end });
  if (kind === 'flag' && !(literal.kind === 'text' && Object.hasOwn(truths, literal.text.toLowerCase())))
    throw new FilterProblem(`${name} is yes or no, not ${text}`, { at, end });
  if (values !== undefined && !values.some((value) => value === text.toLowerCase())) {
    const meant = nearest(text, values);
    throw new FilterProblem(
      `${name} is never ${text}`,
      { at, end },
      meant === undefined ? `It is one of ${values.join(', ')}.` : `Did you mean ${meant}?`,
    );
  }
}

function contains({ name, kind }: Field, { literal, at, end }: WrittenLiteral): CellTest {
  if (kind === 'number' || kind === 'flag')
    throw new FilterProblem(`~ searches texts, ${name} is not a text`, { at, end }, 'Write = or < or >.');
  if (literal.kind === 'none') throw new FilterProblem('~ needs a text', { at, end }, `Write ${name} = none.`);
  const part = (literal.kind === 'text' ? literal.text : literalText(literal)).toLowerCase();
  return (cell) => cell !== null && lower(cell).includes(part);
}

function ordered(field: Field, operator: keyof typeof orders, { literal, at, end }: WrittenLiteral): CellTest {
  if (field.kind === 'text' || field.kind === 'words' || field.kind === 'flag')
    throw new FilterProblem(
      `${operator} compares numbers, ${field.name} is not a number`,
      { at, end },
      'Write = or !=.',
    );
  if (literal.kind !== 'number')
    throw new FilterProblem(`${operator} needs a number, not ${literalText(literal)}`, { at, end });
  return orders[operator](numberOf(literal));
}

const otherwise =
  (test: CellTest): CellTest =>
  (cell) =>
    !test(cell);

const comparisons: { readonly [O in Operator]: (field: Field, value: WrittenLiteral) => CellTest } = {
  '=': (field, value) => {
    checkValue(field, value);
    const test = equal(value.literal);
    if (field.kind !== 'words') return test;
    return (cell) => (cell === null ? test(cell) : String(cell).split(' ').some(test));
  },
  '!=': (field, value) => otherwise(comparisons['='](field, value)),
  '<': (field, value) => ordered(field, '<', value),
  '<=': (field, value) => ordered(field, '<=', value),
  '>': (field, value) => ordered(field, '>', value),
  '>=': (field, value) => ordered(field, '>=', value),
  '~': contains,
  '!~': (field, value) => otherwise(contains(field, value)),
};

const listed = (field: Field, values: readonly WrittenLiteral[]): CellTest => {
  const tests = values.map((value) => comparisons['='](field, value));
  return (cell) => tests.some((test) => test(cell));
};

/** The test of a comparison or list. @throws FilterProblem for an impossible value */
const cellTestOf = (term: Tree & { readonly kind: 'compare' | 'in' }, field: Field): CellTest =>
  term.kind === 'in' ? listed(field, term.values) : comparisons[term.operator](field, term.value);

/** The field with this name; exact case first, then any case. */
function fieldNamed({ text, at, end }: Name, fields: readonly Field[]): Field {
  const found =
    fields.find(({ name }) => name === text) ?? fields.find(({ name }) => name.toLowerCase() === text.toLowerCase());
  if (found !== undefined) return found;
  const names = fields.map(({ name }) => name);
  const meant = nearest(text, names);
  throw new FilterProblem(`there is no ${text}`, { at, end }, meant && `Did you mean ${meant}?`);
}

function testOf(tree: Tree, fields: readonly Field[], reads: Set<string>): Test {
  const cells = (name: Name, test: (field: Field) => CellTest): Test => {
    const field = fieldNamed(name, fields);
    reads.add(field.name);
    const { cell } = field;
    const tested = test(field);
    return (row) => tested(cell(row));
  };
  switch (tree.kind) {
    case 'and':
    case 'or': {
      const parts = tree.parts.map((part) => testOf(part, fields, reads));
      return tree.kind === 'and' ? (row) => parts.every((part) => part(row)) : (row) => parts.some((part) => part(row));
    }
    case 'not': {
      const of = testOf(tree.of, fields, reads);
      return (row) => !of(row);
    }
    case 'is':
      return cells(tree.name, () => (cell) => cell !== null && cell !== false);
    case 'compare':
    case 'in':
      return cells(tree.name, (field) => cellTestOf(tree, field));
  }
}

/**
 * Compiles an expression over these fields. Unknown cells pass `= none`, `!=` and `!~`, which negate `=` and `~`, and fail
 * all other comparisons. Case does not matter. An empty expression gives null.
 * @throws FilterProblem for a syntax error, an unknown name, or an impossible value.
 */
export function compileFilter(text: string, fields: readonly Field[]): Filter | null {
  const tree = parse(text);
  if (tree === null) return null;
  const reads = new Set<string>();
  return { test: testOf(tree, fields, reads), reads };
}
