import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cell, Field } from '../../../ui/data/fields.js';
import { sorted, sortedBy, sortFrom, sortText } from '../../../ui/data/sorted.js';

const field = (name: string, kind: Field['kind'], cells: readonly Cell[]): Field => ({
  name,
  title: name,
  group: 'measure',
  kind,
  cell: (row) => cells[row],
  text: (row) => String(cells[row]),
});

describe('sorting', () => {
  const fields = [
    field('n', 'number', [2, null, 1, 2, null]),
    field('t', 'text', ['b10', 'b9', null, 'a', 'B']),
    field('c', 'choice', ['x', 3, true, 20, null]),
  ];
  const rows = [0, 1, 2, 3, 4];
  const by = (...names: string[]) => sorted(rows, sortFrom(names.join(',')), fields);

  it('is stable, with unknown values last in both directions', () => {
    expect(by('n')).toEqual([2, 0, 3, 1, 4]);
    expect(by('-n')).toEqual([0, 3, 2, 1, 4]);
  });

  it('sorts numbers in texts by value, and numbers before texts', () => {
    expect(by('t')).toEqual([3, 4, 1, 0, 2]);
    expect(by('c')).toEqual([1, 3, 2, 0, 4]);
  });

  it('uses further keys for equal rows', () => {
    expect(by('n', '-t')).toEqual([2, 0, 3, 1, 4]);
    expect(by('n', 't')).toEqual([2, 3, 0, 4, 1]);
    expect(by('nothing')).toEqual(rows);
  });

  it('returns every row once, in order', () => {
    const cells = fc.array(fc.option(fc.integer({ min: 0, max: 5 })), { maxLength: 50 });
    fc.assert(
      fc.property(cells, fc.boolean(), (column, descending) => {
        const all = [...column.keys()];
        const result = sorted(all, [{ name: 'n', descending }], [field('n', 'number', column)]);
        expect(result.toSorted((a, b) => a - b)).toEqual(all);
        for (const [i, row] of result.slice(1).entries()) {
          const [before, after] = [column[result[i]], column[row]];
          if (before === null) expect(after).toBeNull();
          else if (after !== null && before !== after) expect(before < after).toBe(!descending);
          else if (after === before) expect(row).toBeGreaterThan(result[i]);
        }
      }),
      { seed: 1 },
    );
  });

  it('is reversed and then removed by further clicks', () => {
    const first = sortedBy([], 'n', true, false);
    expect(first).toEqual([{ name: 'n', descending: true }]);
    const second = sortedBy(first, 'n', true, false);
    expect(second).toEqual([{ name: 'n', descending: false }]);
    expect(sortedBy(second, 'n', true, false)).toEqual([]);
    const both = sortedBy(first, 't', false, true);
    expect(sortText(both)).toBe('-n,t');
    expect(sortText(sortedBy(both, 'n', true, true))).toBe('n,t');
  });

  it('is stored in addresses', () => {
    const keys = [
      { name: 'a,b', descending: true },
      { name: '-é %', descending: false },
    ];
    expect(sortFrom(sortText(keys))).toEqual(keys);
    expect(sortFrom(',-,%,n')).toEqual([
      { name: '%', descending: false },
      { name: 'n', descending: false },
    ]);
  });
});
