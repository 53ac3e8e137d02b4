import Database from 'better-sqlite3';
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Store } from '../../store/index.js';
import { schemaVersion } from '../../store/schema.js';
import { errorOf, newStore, newTrial, newEpoch } from './support.js';
import { temporaryFolder } from '../support/temporary.js';

const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url));

const copyOf = (fixture: string): string => {
  const path = join(temporaryFolder(), 'nas.sqlite');
  copyFileSync(join(fixtures, fixture), path);
  return path;
};

function schemaOf(path: string): unknown[] {
  const sql = new Database(path, { readonly: true });
  try {
    return sql.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name').all();
  } finally {
    sql.close();
  }
}

/** Runs SQL on the database of a new run, and returns its path. */
function changed(sql: string): string {
  const { store, path } = newStore();
  store.close();
  const database = new Database(path);
  database.exec(sql);
  database.close();
  return path;
}

describe('the schema', () => {
  it('has one database file, which a change of the schema has to replace', () => {
    expect(readdirSync(fixtures)).toEqual([`v${schemaVersion}.sqlite`]);
    expect(schemaOf(join(fixtures, `v${schemaVersion}.sqlite`))).toEqual(schemaOf(newStore().path));
  });

  it.each([
    ['an older', schemaVersion - 1, /older version of nas \(schema 10; this version reads 11\)/, /begin another run/],
    ['a newer', schemaVersion + 1, /newer version of nas \(schema 12; this version reads 11\)/, /Update nas/],
  ])('of %s version is refused', (_, version, message, hint) => {
    const path = changed(`PRAGMA user_version = ${version}`);
    for (const readonly of [false, true]) {
      const error = errorOf(() => Store.open(path, { readonly }));
      expect(error.message).toMatch(message);
      expect(error.hint).toMatch(hint);
    }
  });

  it.each([
    ['a view in place of a table', `DROP TABLE finals; CREATE VIEW finals AS SELECT 1 AS trial`],
    [
      'a view that never ends',
      `DROP VIEW progress;
      CREATE VIEW progress AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT 'done' AS state, count(*) AS trials FROM n`,
    ],
    ['a trigger of somebody else', `CREATE TRIGGER other AFTER INSERT ON events BEGIN SELECT 1; END`],
  ])('with %s is refused before anything is read', (_, sql) => {
    const path = changed(sql);
    for (const readonly of [false, true])
      expect(errorOf(() => Store.open(path, { readonly })).message).toContain('other tables than a run');
  });
});

describe(`the database file of schema ${schemaVersion}`, () => {
  const fixture = `v${schemaVersion}.sqlite`;

  it('keeps its history and is used on', () => {
    const path = copyOf(fixture);
    const store = Store.open(path);
    expect(store.run.get()).toMatchObject({ name: 'fixture', seed: 3, threads: 1, environment: { cores: 2 } });
    expect(store.run.status()).toMatchObject({ status: 'interrupted', message: 'Ctrl-C' });
    expect(store.trials.all()).toMatchObject([
      {
        number: 0,
        state: 'complete',
        values: { latency_ms: { provenance: 'measured' } },
        observed: { latency_ms: 1 },
        precision: 'int8',
        variants: [
          { precision: 'fp32', values: { latency_ms: { value: 1.25 } }, accepted: true, reason: null, detail: null },
          { precision: 'int8', values: { latency_ms: { value: 0.5 } }, accepted: true, detail: { method: 'minmax' } },
        ],
      },
      { number: 1, state: 'failed', message: 'the training loss is not a number' },
      { number: 2, state: 'running', choices: { width: 16, se: true } },
      { number: 3, state: 'waiting', pending: [2], genotype: [3, 1], seed: 103, rejected: 3 },
    ]);
    expect(store.overview.complete()).toMatchObject([
      { number: 0, precision: 'int8', values: { accuracy: 0.75, latency_ms: 0.5 } },
      { number: 0, precision: 'fp32', values: { accuracy: 0.75, latency_ms: 1.25 } },
    ]);
    expect(store.trials.prediction(2)).toEqual({ ms: 1.5, std: 0.25, coverage: 1 });
    expect(store.trials.prediction(2, 'int8')).toMatchObject({ ms: 0.75 });
    expect(store.curves.of({ stage: 'teacher' })).toMatchObject([{ epoch: 0, validationAccuracy: 0.25 }]);
    expect(store.curves.of({ stage: 'supernet' })).toMatchObject([{ epoch: 0, validationAccuracy: 0.625 }]);
    expect(store.curves.of({ stage: 'final', trial: 0 })).toMatchObject([{ validationAccuracy: 0.78125 }]);
    expect(store.curves.at({ stage: 'search', trial: 0 }, 0)?.metrics).toEqual({
      balanced_accuracy: 0.625,
      macro_f1: 0.5,
      worst_recall: 0.25,
    });
    expect(store.measurements.all()).toMatchObject([
      { genotypeId: '9-9', precision: 'fp32', ms: 1.5, p99: 2, interval: [1.4, 1.6] },
      { genotypeId: '0-1', precision: 'int8', ms: 0.5, p99: null },
    ]);
    expect(store.measurements.samples(1)).toEqual([1.4, 1.5, 1.6]);
    expect(store.finals.all()).toMatchObject([
      { trial: 0, precision: 'fp32', accuracy: 0.8, testAccuracy: 0.79, from: 'supernet' },
      { trial: 0, precision: 'int8', accuracy: 0.79 },
    ]);
    expect(store.finals.attemptsMade(0)).toBe(1);
    expect(store.artifacts.all()).toMatchObject([
      { trial: 0, kind: 'onnx', bytes: 123 },
      { stage: 'supernet', trial: null, kind: 'weights' },
    ]);
    expect(store.networks.get('3-1')).toEqual({ kind: 'network', input: [28, 28, 1], classes: 10, width: 3 });
    expect(store.classResults.of(0)).toMatchObject([
      { split: 'validation', details: { type: 'classification', confusion: [[5, 1], [0, 2]] } }, // oxfmt-ignore
    ]);
    expect(store.classResults.of(1)).toMatchObject([
      { classes: ['age'], details: { type: 'regression', numbers: [{ mae: 4.5, rmse: 6, r2: 0.75 }] } },
    ]);

    store.curves.add({ stage: 'supernet' }, newEpoch(1));
    expect(store.curves.of({ stage: 'supernet' }).at(-1)).toEqual(newEpoch(1));
    store.variants.judge(2, 'int8', { accepted: false, reason: 'too slow' });
    expect(store.trials.get(2)?.variants).toMatchObject([{ precision: 'int8', accepted: false }]);
    store.finals.finish(2, { precision: 'int8', state: 'complete', epochs: 1, seconds: 1 });
    store.trials.start(3);
    store.trials.finish(3, { state: 'complete', values: { accuracy: { value: 0.5, provenance: 'measured' } } });
    store.trials.ask(newTrial(4));
    store.run.setStatus('complete');
    store.close();
    const again = Store.open(path, { readonly: true });
    expect(again.overview.complete().at(-1)).toMatchObject({ number: 3, precision: 'fp32', values: { accuracy: 0.5 } });
    expect(again.trials.progress()).toEqual({ waiting: 1, running: 1, complete: 2, pruned: 0, failed: 1 });
    again.close();
  });

  it('is read with what is in its log only, and stays as it is', () => {
    const path = copyOf(fixture);
    const writer = new Database(path);
    writer.pragma('journal_mode = WAL');
    writer.prepare("INSERT INTO run_states (status, message, at) VALUES ('interrupted', 'in the log', 1)").run();
    const before = [readFileSync(path), readFileSync(`${path}-wal`)];
    const store = Store.open(path, { readonly: true });
    expect(store.run.status()).toMatchObject({ status: 'interrupted', message: 'in the log' });
    expect(store.trials.all().map(({ state }) => state)).toEqual(['complete', 'failed', 'running', 'waiting']);
    expect(() => store.run.setStatus('complete')).toThrow();
    store.close();
    expect([readFileSync(path), readFileSync(`${path}-wal`)]).toEqual(before);
    writer.close();
  });
});
