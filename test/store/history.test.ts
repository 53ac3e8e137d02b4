import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Store, type EventRecord, type TrialState } from '../../store/index.js';
import { isRare } from '../../store/schema.js';
import { newMeasurement, newStore, newTrial, newEpoch } from './support.js';

describe('the history', () => {
  it('cannot be changed or deleted, not even by SQL', () => {
    const { store, path } = newStore();
    store.trials.ask(newTrial(0, { predictions: { fp32: { ms: 1, std: 1, coverage: 1 } } }));
    store.trials.start(0);
    store.trials.finish(0, { state: 'complete', values: { accuracy: { value: 1, provenance: 'measured' } } });
    store.curves.add({ stage: 'search', trial: 0 }, newEpoch(0));
    store.trials.revise(0, {}, 'fp32');
    store.variants.revise(0, 'int8', { latency_ms: { value: 1, provenance: 'measured' } });
    store.variants.judge(0, 'int8', { accepted: true, reason: null });
    store.measurements.add(newMeasurement());
    store.finals.finish(0, { state: 'failed', epochs: 0, seconds: 0 });
    store.artifacts.add({ stage: 'teacher' }, { kind: 'weights', path: 'w', sha256: '0', bytes: 1 });
    const details = { type: 'classification', confusion: [[1]], calibrationError: 0 } as const;
    store.classResults.add(0, { stage: 'search', precision: 'fp32', split: 'validation', classes: ['a'], details });
    const sql = new Database(path);
    const tables = sql.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all() as string[];
    expect(tables.length).toBeGreaterThan(10);
    for (const table of tables) {
      const column = (sql.pragma(`table_info(${table})`) as { name: string }[])[0]?.name ?? '';
      expect(() => sql.exec(`UPDATE ${table} SET ${column} = ${column}`), table).toThrow(`${table} is append-only`);
      expect(() => sql.exec(`DELETE FROM ${table}`), table).toThrow(`${table} is append-only`);
    }
    sql.close();
  });

  it('finds events of a kind and of a trial without reading all events', () => {
    const { store, path } = newStore();
    for (let trial = 0; trial < 5; trial++) store.trials.ask(newTrial(trial));
    for (const trial of [1, 3]) store.trials.finish(trial, { state: 'failed', values: {} });
    const seen = (events: readonly EventRecord[]) => events.map(({ kind, trial }) => [kind, trial]);
    expect(seen(store.events.last(['asked', 'finished'], 3))).toEqual([
      ['finished', 3],
      ['finished', 1],
      ['asked', 4],
    ]);
    expect(seen(store.events.last(['asked', 'finished'], 9, 3))).toEqual([
      ['finished', 3],
      ['asked', 3],
    ]);
    const sql = new Database(path);
    const plan = (where: string) =>
      JSON.stringify(sql.prepare(`EXPLAIN QUERY PLAN SELECT * FROM events ${where}`).all());
    for (const where of [`WHERE ${isRare} AND kind = 'extended'`, 'WHERE trial = 3'])
      expect(plan(`${where} ORDER BY seq DESC`)).not.toMatch(/SCAN|TEMP/);
    sql.close();
  });

  it('has strict types and checked foreign keys', () => {
    const { store, path } = newStore();
    const sql = new Database(path);
    const lax = sql.prepare(
      `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%'`,
    );
    expect(lax.all()).toEqual([]);
    expect(sql.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(sql.pragma('foreign_key_check')).toEqual([]);
    sql.close();
    expect(() =>
      store.artifacts.add({ stage: 'search', trial: 3 }, { kind: 'x', path: 'x', sha256: 'x', bytes: 0 }),
    ).toThrow(/FOREIGN KEY/);
  });

  it('equals a plain model of it after any sequence of steps, also when opened again', () => {
    const step = fc.record({
      action: fc.constantFrom('ask', 'start', 'finish', 'revise', 'reopen'),
      trial: fc.nat(5),
      state: fc.constantFrom('complete', 'pruned', 'failed'),
      value: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    });
    interface Model {
      state: TrialState;
      attempts: number;
      value?: number;
      observed?: number;
    }
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const created = newStore();
        let { store } = created;
        const model = new Map<number, Model>();
        for (const { action, trial, state, value } of steps) {
          const known = model.get(trial);
          const values = { accuracy: { value, provenance: 'measured' } } as const;
          if (action === 'ask') {
            if (known !== undefined) continue;
            store.trials.ask(newTrial(trial));
            model.set(trial, { state: 'waiting', attempts: 0 });
          } else if (action === 'reopen') {
            store.close();
            store = Store.open(created.path);
          } else if (known !== undefined) {
            const ended = known.state !== 'waiting' && known.state !== 'running';
            if (action === 'start' && !ended) {
              store.trials.start(trial);
              known.attempts++;
              known.state = 'running';
            } else if (action === 'finish' && !ended) {
              store.trials.finish(trial, { state, values });
              Object.assign(known, { state, value, observed: value });
            } else if (action === 'revise' && ended) {
              store.trials.revise(trial, values);
              known.value = value;
            }
          }
        }
        const expected = [...model].sort(([a], [b]) => a - b).map(([number, trial]) => ({ number, ...trial }));
        const actual = store.trials.all().map(({ number, state, attempts, values, observed }) => ({
          number,
          state,
          attempts,
          ...('accuracy' in values ? { value: values['accuracy'].value, observed: observed['accuracy'] } : {}),
        }));
        store.close();
        expect(actual).toEqual(expected);
      }),
      { numRuns: 15 },
    );
  });
});
