import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cell, Field } from '../../../ui/data/fields.js';
import { compileFilter } from '../../../ui/filter/compile.js';
import { parse } from '../../../ui/filter/parse.js';
import { FilterProblem, wordText } from '../../../ui/filter/tokens.js';
import { treeText, type Literal, type Operator, type Tree } from '../../../ui/filter/tree.js';

const nowhere = { at: 0, end: 0 };

const oddWords = ['block3.kernel', 'and', 'NOT', 'none', '3', '-3', '1e5', '3x3', '5.', 'a b', '"', '\\', ''];
const word = fc.oneof(fc.constantFrom(...oddWords), fc.string({ unit: 'grapheme' }));

const numbers: readonly (number | null)[] = [0, 0.5, 0.87, null, 3, -1];
const choices: readonly Cell[] = ['relu6', 3, '3', true, null, false];
const flags: readonly boolean[] = [true, false, true, false, true, false];
const field = (called: string, kind: Field['kind'], cells: readonly Cell[]): Field => ({
  name: called,
  title: called,
  group: 'measure',
  kind,
  cell: (row) => cells[row],
  text: (row) => String(cells[row]),
});
const fields = [field('n', 'number', numbers), field('c', 'choice', choices), field('f', 'flag', flags)];
const cellsOf: Readonly<Record<string, readonly Cell[]>> = { n: numbers, c: choices, f: flags };

const at = <T>(value: T) => ({ ...nowhere, literal: value });
const num = fc.record({
  kind: fc.constant('number' as const),
  value: fc.constantFrom(0, 0.5, 50, 87, 3, -1),
  percent: fc.boolean(),
});
const none = fc.constant({ kind: 'none' as const });
const text = fc.record({
  kind: fc.constant('text' as const),
  text: fc.constantFrom('relu6', 'RELU', '3', 'true', 'no'),
});
const compare = (called: string, operator: fc.Arbitrary<Operator>, value: fc.Arbitrary<Literal>): fc.Arbitrary<Tree> =>
  fc.record({
    kind: fc.constant('compare' as const),
    name: fc.constant({ text: called, ...nowhere }),
    operator,
    value: value.map(at),
  });
const soundLeaf: fc.Arbitrary<Tree> = fc.oneof(
  fc.constantFrom('n', 'c', 'f').map((called): Tree => ({ kind: 'is', name: { text: called, ...nowhere } })),
  compare('n', fc.constantFrom('<', '<=', '>', '>='), num),
  compare('n', fc.constantFrom('=', '!='), fc.oneof(num, none)),
  compare('c', fc.constantFrom('=', '!='), fc.oneof(num, text, none)),
  compare('c', fc.constantFrom('~', '!~'), text),
  compare('c', fc.constantFrom('<', '>='), num),
  fc.record({
    kind: fc.constant('in' as const),
    name: fc.constant({ text: 'c', ...nowhere }),
    values: fc.array(fc.oneof(num, text, none).map(at), { minLength: 1, maxLength: 3 }),
  }),
);

const trees = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    soundLeaf,
    fc.record({ kind: fc.constant('not' as const), of: tie('tree') }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      parts: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
    }),
  ),
})).tree;

/** Evaluates a tree for one row, naively. */
function says(tree: Tree, row: number): boolean {
  const same = (cell: Cell, value: Literal): boolean => {
    if (value.kind === 'none' || cell === null) return value.kind === 'none' && cell === null;
    if (value.kind === 'number') {
      if (typeof cell === 'number') return cell === (value.percent ? value.value / 100 : value.value);
      return typeof cell === 'string' && cell === `${value.value}${value.percent ? ' %' : ''}`;
    }
    const words = cell === true ? ['true', 'yes'] : cell === false ? ['false', 'no'] : [String(cell).toLowerCase()];
    return words.includes(value.text.toLowerCase());
  };
  switch (tree.kind) {
    case 'and':
      return tree.parts.every((part) => says(part, row));
    case 'or':
      return tree.parts.some((part) => says(part, row));
    case 'not':
      return !says(tree.of, row);
    case 'is':
      return ![null, false].includes(cellsOf[tree.name.text][row] as null);
    case 'in':
      return tree.values.some(({ literal: value }) => same(cellsOf[tree.name.text][row], value));
    case 'compare': {
      const cell = cellsOf[tree.name.text][row];
      const { operator } = tree;
      const value = tree.value.literal;
      if (operator === '=') return same(cell, value);
      if (operator === '!=') return !same(cell, value);
      if (operator === '~' || operator === '!~') {
        const inside =
          cell !== null && value.kind === 'text' && String(cell).toLowerCase().includes(value.text.toLowerCase());
        return inside === (operator === '~');
      }
      if (typeof cell !== 'number' || value.kind !== 'number') return false;
      const limit = value.percent ? value.value / 100 : value.value;
      return { '<': cell < limit, '<=': cell <= limit, '>': cell > limit, '>=': cell >= limit }[operator];
    }
  }
}

describe('any expression', () => {
  it('can contain any word, in quotes where necessary', () => {
    fc.assert(
      fc.property(word, (text) => {
        const literal = wordText(text);
        expect(parse(literal)).toMatchObject({ kind: 'is', name: { text } });
        expect(parse(`x = ${literal}`)).toMatchObject({ value: { literal: { kind: 'text', text } } });
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('matches a naive evaluation of each row', () => {
    fc.assert(
      fc.property(trees, (tree) => {
        const filter = compileFilter(treeText(tree), fields);
        for (const row of numbers.keys()) expect(filter?.test(row)).toBe(says(tree, row));
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('is valid, or its error has a position in it', () => {
    const pieces = fc.array(
      fc.oneof(fc.constantFrom('n', 'c', '>', '= ', 'in', '(', ')', ' not ', '3', '%', ' and ', '"', '!'), fc.string()),
    );
    fc.assert(
      fc.property(pieces, (parts) => {
        const written = parts.join('');
        try {
          compileFilter(written, fields);
        } catch (error) {
          if (!(error instanceof FilterProblem)) throw error;
          expect(error.span.at).toBeGreaterThanOrEqual(0);
          expect(error.span.end).toBeGreaterThanOrEqual(error.span.at);
          expect(error.span.end).toBeLessThanOrEqual(written.length);
        }
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});
