import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CandidateColumns, StoredPrecision } from '../../../experiments/page/api.js';
import { Candidates } from '../../../ui/data/candidates.js';

interface Row {
  readonly number: number;
  readonly precision: StoredPrecision;
  readonly values: Readonly<Record<string, number>>;
}

const column = <T>(rows: readonly Row[], cell: (row: Row) => T): readonly T[] => rows.map(cell);

/** Columns of complete trials; of each, its first row is the chosen one. */
function columnsOf(rows: readonly Row[]): CandidateColumns {
  const names = [...new Set(rows.flatMap(({ values }) => Object.keys(values)))];
  return {
    number: column(rows, ({ number }) => number),
    precision: column(rows, ({ precision }) => precision),
    chosen: rows.map((row) => rows.find(({ number }) => number === row.number) === row),
    state: column(rows, () => 'complete'),
    values: Object.fromEntries(
      names.map((name) => [name, column(rows, ({ values }) => (Object.hasOwn(values, name) ? values[name] : null))]),
    ),
    provenance: Object.fromEntries(names.map((name) => [name, column(rows, () => 'measured')])),
    choices: { width: column(rows, ({ number }) => number % 3) },
    finalAccuracy: column(rows, ({ number }) => number / 100),
    testAccuracy: column(rows, () => null),
    startedAfter: column(rows, ({ number }) => number),
    finishedAfter: column(rows, ({ number }) => number + 1),
    rejected: column(rows, () => 0),
    attempts: column(rows, () => 1),
    enqueued: column(rows, () => null),
  };
}

const fp32 = (number: number, values: Row['values']): Row => ({ number, precision: 'fp32', values });
const int8 = (number: number, values: Row['values']): Row => ({ number, precision: 'int8', values });

describe('Candidates', () => {
  it('keeps a row in its place and overwrites it', () => {
    const candidates = new Candidates();
    expect(candidates.merge(columnsOf([fp32(0, { a: 1 }), fp32(1, { a: 2 })]))).toEqual([0, 1]);
    expect(candidates.merge(columnsOf([fp32(2, { a: 3 }), fp32(0, { a: 4 })]))).toEqual([2, 0]);
    expect(candidates.number).toEqual([0, 1, 2]);
    expect(candidates.values.get('a')).toEqual([4, 2, 3]);
    expect(candidates.rowOf({ number: 2, precision: 'fp32' })).toBe(2);
    expect(candidates.rowOf({ number: 2, precision: 'int8' })).toBeUndefined();
  });

  it('has null where a row knows nothing of a name, whichever came first', () => {
    const candidates = new Candidates();
    candidates.merge(columnsOf([fp32(0, { a: 1 })]));
    candidates.merge(columnsOf([fp32(1, { b: 2 })]));
    candidates.merge(columnsOf([fp32(2, { a: 3 }), fp32(0, { b: 5 })]));
    expect(candidates.values.get('a')).toEqual([null, null, 3]);
    expect(candidates.values.get('b')).toEqual([5, 2, null]);
  });

  it('empties a row whose precision is no candidate any more', () => {
    const candidates = new Candidates();
    candidates.merge(columnsOf([fp32(0, { a: 1 }), fp32(1, { a: 2 })]));
    expect(candidates.merge(columnsOf([int8(0, { a: 3 })]))).toEqual([2, 0]);
    expect(candidates.chosen).toEqual([false, true, true]);
    expect(candidates.values.get('a')).toEqual([null, 2, 3]);
    expect(candidates.finalAccuracy[0]).toBeNull();
    // And it is filled again when it is one again.
    candidates.merge(columnsOf([int8(0, { a: 3 }), fp32(0, { a: 1 })]));
    expect(candidates.values.get('a')).toEqual([1, 2, 3]);
  });

  it('holds columns of equal length and the last that was said of each row, whatever comes in whichever order', () => {
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
          candidates.merge(columnsOf(rows));
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
          for (const [name, cells] of candidates.values) expect(cells[i]).toBe(said?.values[name] ?? null);
        }
        expect(candidates.chosen.filter((chosen) => chosen)).toHaveLength(last.size);
      }),
    );
  });
});
