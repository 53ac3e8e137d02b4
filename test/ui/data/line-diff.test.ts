import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignLines } from '../../../ui/data/line-diff.js';

const cellsOf = (texts: readonly string[]) => alignLines(texts).map(({ cells }) => cells);
const settings = (search: string) => `name: a\nsearch:\n${search}seed: 1\n`;

describe('alignLines', () => {
  it('pairs lines with the same key', () => {
    expect(alignLines(['name: a\nseed: 1\n', 'name: a\nseed: 2\n'])).toEqual([
      { path: 'name', cells: ['name: a', 'name: a'], same: true },
      { path: 'seed', cells: ['seed: 1', 'seed: 2'], same: false },
    ]);
  });

  it('gives a missing line a row in its place', () => {
    expect(cellsOf([settings('  trials: 10\n'), settings('  trials: 20\n  startup: 5\n')])).toEqual([
      ['name: a', 'name: a'],
      ['search:', 'search:'],
      ['  trials: 10', '  trials: 20'],
      [null, '  startup: 5'],
      ['seed: 1', 'seed: 1'],
    ]);
  });

  it('pairs lines that only later texts have', () => {
    expect(cellsOf(['a: 1', 'a: 1\nb: 2', 'a: 1\nb: 3\nc: 4'])).toEqual([
      ['a: 1', 'a: 1', 'a: 1'],
      [null, 'b: 2', 'b: 3'],
      [null, null, 'c: 4'],
    ]);
    expect(cellsOf(['a: 1', 'a: 1\nb: 2\nd: 4', 'a: 1\nb: 2\nc: 3\nd: 4'])).toEqual([
      ['a: 1', 'a: 1', 'a: 1'],
      [null, 'b: 2', 'b: 2'],
      [null, null, 'c: 3'],
      [null, 'd: 4', 'd: 4'],
    ]);
  });

  it('pairs equal items of lists, and only those', () => {
    expect(cellsOf(['k:\n  - 3\n  - 5', 'k:\n  - 5\n  - 7'])).toEqual([
      ['k:', 'k:'],
      ['  - 3', null],
      ['  - 5', '  - 5'],
      [null, '  - 7'],
    ]);
  });

  it('loses no line and changes no order, for any texts', () => {
    const line = fc.constantFrom('a: 1', 'a: 2', 'b: 1', '  a: 1', '- x', '');
    const text = fc.array(line, { maxLength: 12 }).map((lines) => lines.map((one) => `${one}\n`).join(''));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (texts) => {
        const rows = alignLines(texts);
        for (const [t, expected] of texts.entries())
          expect(rows.flatMap(({ cells }) => (cells[t] === null ? [] : [`${cells[t]}\n`])).join('')).toBe(expected);
        for (const { cells, same } of rows) expect(same).toBe(new Set(cells).size === 1);
      }),
    );
    expect(alignLines(['x: 1\ny: 2', 'x: 1\ny: 2', 'x: 1\ny: 2\n']).every(({ same }) => same)).toBe(true);
  });

  it('names the keys around each line', () => {
    const lines = ['search:', '  controller:', '    type: surrogate', '  trials: 10', 'objectives:'];
    const items = ['  - name: accuracy', '    direction: maximize', 'width:', '  - 0.25'];
    expect(alignLines([[...lines, ...items].join('\n')]).map(({ path }) => path)).toEqual([
      'search',
      'search.controller',
      'search.controller.type',
      'search.trials',
      'objectives',
      'objectives.name',
      'objectives.direction',
      'width',
      'width',
    ]);
  });
});
