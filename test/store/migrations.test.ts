import Database from 'better-sqlite3';
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Store } from '../../store/index.js';
import { migrations } from '../../store/migrations/index.js';
import { openDatabase } from '../../store/open.js';
import { errorOf, newShrunk, newStore, newTrial } from './support.js';
import { temporaryFolder } from '../support/temporary.js';

const fixtures = fileURLToPath(new URL('fixtures/', import.meta.url));

const epoch = {
  epoch: 1,
  trainLoss: 1,
  trainAccuracy: 0.5,
  validationLoss: 1.5,
  validationAccuracy: 0.75,
  learningRate: 0.1,
  seconds: 9,
};

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

describe('the schema', () => {
  it('has a database file of every released version', () => {
    expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, i) => i + 1));
    expect(readdirSync(fixtures).sort()).toEqual(migrations.map(({ version }) => `v${version}.sqlite`).sort());
  });
});

describe.each(readdirSync(fixtures))('the released database %s', (fixture) => {
  it('is upgraded to what a new database has', () => {
    const path = copyOf(fixture);
    Store.open(path).close();
    expect(schemaOf(path)).toEqual(schemaOf(newStore().path));
  });

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
      },
      { number: 1, state: 'failed', message: 'the training loss is not a number' },
      { number: 2, state: 'running', choices: { width: 16, se: true } },
      { number: 3, state: 'waiting', pending: [2], genotype: [3, 1], seed: 103, rejected: 3 },
    ]);
    expect(store.trials.prediction(2)).toEqual({ ms: 1.5, std: 0.25, coverage: 1 });
    expect(store.curves.of({ stage: 'teacher' })).toMatchObject([{ epoch: 0, validationAccuracy: 0.25 }]);
    expect(store.curves.of({ stage: 'search', trial: 0 })).toMatchObject([{ validationAccuracy: 0.75 }]);
    expect(store.measurements.all()[0]).toMatchObject({
      genotypeId: '9-9',
      precision: 'fp32',
      ms: 1.5,
      interval: [1.4, 1.6],
    });
    expect(store.measurements.samples(1)).toEqual([1.4, 1.5, 1.6]);
    expect(store.finals.all()[0]).toMatchObject({ trial: 0, precision: 'fp32', accuracy: 0.8, testAccuracy: 0.79 });
    expect(store.finals.attemptsMade(0)).toBe(1);
    expect(store.artifacts.all()[0]).toMatchObject({ trial: 0, shrunk: null, kind: 'onnx', bytes: 123 });
    expect(store.networks.get('3-1')).toEqual({ kind: 'network', input: [28, 28, 1], classes: 10, width: 3 });

    const known = store.shrunk.all().length;
    expect(store.shrunk.begin(newShrunk())).toBe(known);
    store.curves.add({ stage: 'supernet' }, epoch);
    store.curves.add({ stage: 'shrunk', shrunk: known }, epoch);
    expect(store.curves.of({ stage: 'shrunk', shrunk: known })).toEqual([epoch]);
    expect(store.curves.of({ stage: 'supernet' }).at(-1)).toEqual(epoch);
    expect(store.curves.of({ stage: 'teacher' })).toHaveLength(1);

    store.variants.judge(2, 'int8', { accepted: false, reason: 'too slow' });
    expect(store.trials.get(2)?.variants).toMatchObject([{ precision: 'int8', accepted: false }]);
    store.finals.finish(2, { precision: 'int8', state: 'complete', epochs: 1, seconds: 1 });
    store.curves.add({ stage: 'quantize-aware', trial: 3 }, epoch);
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
});

/** What trials of runs are that knew one precision. */
const onlyFloat = { precision: 'fp32', variants: [], values: { latency_ms: { value: 1.25 } } };

describe('the released database v1.sqlite', () => {
  it('has finals that began from nothing, and the files of trials', () => {
    const store = Store.open(copyOf('v1.sqlite'));
    expect(store.finals.all()).toMatchObject([{ trial: 0, from: 'nothing' }]);
    expect(store.trials.get(0)).toMatchObject(onlyFloat);
    expect(store.shrunk.all()).toEqual([]);
    store.close();
  });
});

describe('the released database v2.sqlite', () => {
  it('keeps shared weights and what was shrunk', () => {
    const store = Store.open(copyOf('v2.sqlite'));
    expect(store.finals.all()).toMatchObject([{ trial: 0, from: 'supernet' }]);
    expect(store.trials.get(0)).toMatchObject(onlyFloat);
    expect(store.curves.of({ stage: 'supernet' })).toMatchObject([{ epoch: 0, validationAccuracy: 0.625 }]);
    expect(store.curves.of({ stage: 'shrunk', shrunk: 0 })).toMatchObject([{ epoch: 0, validationAccuracy: 0.6875 }]);
    expect(store.shrunk.get(0)).toMatchObject({
      parent: 0,
      state: 'complete',
      target: { objective: 'macs', value: 2000 },
      network: { width: 4 },
      widths: { stem: 4 },
      multiple: 4,
      latencies: { device: 'local', on: { type: 'local' }, own: 0.75, parent: 1.25, trials: { 0: 1.25 } },
      accuracyBefore: 0.5,
      testAccuracyBefore: null,
      accuracy: 0.6875,
      parentAccuracy: 0.75,
    });
    expect(store.artifacts.all()[1]).toMatchObject({ stage: 'shrunk', trial: null, shrunk: 0, kind: 'weights' });
    store.close();
  });
});

describe('the released database v3.sqlite', () => {
  it('keeps variants of trials, and what was measured, predicted and finished in each precision', () => {
    const store = Store.open(copyOf('v3.sqlite'));
    expect(store.trials.get(0)).toMatchObject({
      precision: 'int8',
      values: { latency_ms: { value: 0.5 } },
      variants: [
        { precision: 'fp32', values: { latency_ms: { value: 1.25 } }, accepted: true, reason: null, detail: null },
        { precision: 'int8', values: { latency_ms: { value: 0.5 } }, accepted: true, detail: { method: 'minmax' } },
      ],
    });
    expect(store.overview.complete()).toMatchObject([
      { number: 0, precision: 'int8', values: { accuracy: 0.75, latency_ms: 0.5 } },
      { number: 0, precision: 'fp32', values: { accuracy: 0.75, latency_ms: 1.25 } },
    ]);
    expect(store.trials.prediction(2, 'int8')).toMatchObject({ ms: 0.75 });
    expect(store.measurements.of(0)).toMatchObject([{ precision: 'int8', ms: 0.5 }]);
    expect(store.finals.all()).toMatchObject([{ precision: 'fp32' }, { precision: 'int8', accuracy: 0.79 }]);
    expect(store.finals.attemptsMade(0, 'quantize-aware')).toBe(1);
    expect(store.curves.of({ stage: 'quantize-aware', trial: 0 })).toMatchObject([{ validationAccuracy: 0.78125 }]);
    store.close();
  });
});

describe('the released database v6.sqlite', () => {
  it('keeps metrics of epochs and results by class', () => {
    const store = Store.open(copyOf('v6.sqlite'));
    expect(store.curves.at({ stage: 'search', trial: 0 }, 0)?.metrics).toEqual({
      balanced_accuracy: 0.625,
      macro_f1: 0.5,
      worst_recall: 0.25,
    });
    expect(store.classResults.of(0)).toMatchObject([
      {
        split: 'validation',
        details: {
          type: 'classification',
          confusion: [
            [5, 1],
            [0, 2],
          ],
        },
      },
    ]);
    store.close();
  });
});

describe.each(readdirSync(fixtures))('a reader of the released database %s', (fixture) => {
  it('sees what it is when upgraded, also what is in its log only, and leaves the file as it is', () => {
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

describe('upgrading', () => {
  const next = {
    version: migrations.length + 1,
    statements: ['CREATE TABLE extra (x INTEGER) STRICT', 'INSERT INTO extra VALUES (1)'],
  };

  it('runs the steps that are missing, once', () => {
    const { store, path } = newStore();
    store.trials.ask(newTrial(0));
    store.close();
    for (let i = 0; i < 2; i++) openDatabase(path, { migrations: [...migrations, next] }).close();
    const sql = new Database(path, { readonly: true });
    expect(sql.prepare('SELECT count(*) FROM extra').pluck().get()).toBe(1);
    expect(sql.prepare('SELECT count(*) FROM trials').pluck().get()).toBe(1);
    sql.close();
    expect(errorOf(() => Store.open(path)).message).toContain('newer version of nas');
  });

  it('is all or nothing', () => {
    const { store, path } = newStore();
    store.close();
    const broken = { ...next, statements: [...next.statements, 'CREATE TABLE trials (x)'] };
    expect(() => openDatabase(path, { migrations: [...migrations, broken] })).toThrow(/already exists/);
    Store.open(path).close();
  });
});

describe('the released database v7.sqlite', () => {
  it('keeps results by number', () => {
    const store = Store.open(copyOf('v7.sqlite'));
    expect(store.classResults.of(1)).toMatchObject([
      { classes: ['age'], details: { type: 'regression', numbers: [{ mae: 4.5, rmse: 6, r2: 0.75 }] } },
    ]);
    store.close();
  });
});
