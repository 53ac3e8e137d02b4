import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Candidates } from '../../../ui/data/candidates.js';
import { columnsOf, type Row } from './columns.js';

const fp32 = (number: number, values: Row['values']): Row => ({ number, precision: 'fp32', values });
const int8 = (number: number, values: Row['values']): Row => ({ number, precision: 'int8', values });

/** A part whose first row of each trial is the chosen one. */
const partOf = (rows: readonly Row[]) =>
  columnsOf(
    rows.map((row) => ({
      ...row,
      chosen: rows.find(({ number }) => number === row.number) === row,
      finalAccuracy: row.number / 100,
    })),
  );

describe('Candidates', () => {
  it('overwrites a row in place', () => {
    const candidates = new Candidates();
    expect(candidates.merge(partOf([fp32(0, { a: 1 }), fp32(1, { a: 2 })]))).toEqual([0, 1]);
    expect(candidates.merge(partOf([fp32(2, { a: 3 }), fp32(0, { a: 4 })]))).toEqual([2, 0]);
    expect(candidates.number).toEqual([0, 1, 2]);
    expect(candidates.values.get('a')).toEqual([4, 2, 3]);
    expect(candidates.rowOf({ number: 2, precision: 'fp32' })).toBe(2);
    expect(candidates.rowOf({ number: 2, precision: 'int8' })).toBeUndefined();
  });

  it('has null where a row lacks a value, in any order', () => {
    const candidates = new Candidates();
    candidates.merge(partOf([fp32(0, { a: 1 })]));
    candidates.merge(partOf([fp32(1, { b: 2 })]));
    candidates.merge(partOf([fp32(2, { a: 3 }), fp32(0, { b: 5 })]));
    expect(candidates.values.get('a')).toEqual([null, null, 3]);
    expect(candidates.values.get('b')).toEqual([5, 2, null]);
  });

  it('empties a row whose precision is no longer a candidate', () => {
    const candidates = new Candidates();
    candidates.merge(partOf([fp32(0, { a: 1 }), fp32(1, { a: 2 })]));
    expect(candidates.merge(partOf([int8(0, { a: 3 })]))).toEqual([2, 0]);
    expect(candidates.chosen).toEqual([false, true, true]);
    expect(candidates.values.get('a')).toEqual([null, 2, 3]);
    expect(candidates.finalAccuracy[0]).toBeNull();
    candidates.merge(partOf([int8(0, { a: 3 }), fp32(0, { a: 1 })]));
    expect(candidates.values.get('a')).toEqual([1, 2, 3]);
  });

  it('keeps columns of equal length with the latest values, for any sequence of parts', () => {
    const row = fc.record({
      number: fc.nat(5),
      precision: fc.constantFrom('fp32' as const, 'int8' as const),
      values: fc.dictionary(fc.constantFrom('a', 'b'), fc.integer()),
    });
    const message = fc.uniqueArray(row, { selector: ({ number, precision }) => `${number} ${precision}` });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), (messages) => {
        const candidates = new Candidates();
        const last = new Map<number, readonly Row[]>();
        for (const rows of messages) {
          candidates.merge(partOf(rows));
          for (const { number } of rows)
            last.set(
              number,
              rows.filter((other) => other.number === number),
            );
        }
        for (const cells of [candidates.chosen, candidates.enqueued, ...candidates.values.values()])
          expect(cells).toHaveLength(candidates.length);
        for (let i = 0; i < candidates.length; i++) {
          const said = last.get(candidates.number[i])?.find(({ precision }) => precision === candidates.precision[i]);
          for (const [name, cells] of candidates.values) expect(cells[i]).toBe(said?.values?.[name] ?? null);
        }
        expect(candidates.chosen.filter((chosen) => chosen)).toHaveLength(last.size);
      }),
    );
  });
});
