import Database from 'better-sqlite3';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Connection } from '../../store/connection.js';
import { Store } from '../../store/index.js';
import { errorOf, meta, newStore, newTrial } from './support.js';
import { temporaryFolder } from '../support/temporary.js';

/** Runs the rest of the test as a user whom file permissions bind. */
function asOrdinaryUser(): void {
  if (process.getuid?.() !== 0) return;
  process.seteuid?.(65534);
  onTestFinished(() => process.seteuid?.(0));
}

/** A folder with the closed database of a run, owned by the ordinary user. */
function closedRun(): string {
  const folder = join(temporaryFolder(), 'run');
  const { store } = newStore(join(folder, 'nas.sqlite'));
  for (let i = 0; i < 200; i++) store.trials.ask(newTrial(i));
  store.close();
  chmodSync(join(folder, '..'), 0o755);
  return folder;
}

describe('a database that cannot be used', () => {
  it('is missing', () => {
    const path = join(temporaryFolder(), 'nas.sqlite');
    const error = errorOf(() => Store.open(path));
    expect(error).toMatchObject({ exitCode: 2, message: `${path}: there is no such file` });
    expect(existsSync(path)).toBe(false);
  });

  it('exists already', () => {
    const { path } = newStore();
    expect(errorOf(() => Store.create(path, meta))).toMatchObject({ exitCode: 2 });
  });

  it('is of a newer version, and stays as it is', () => {
    const path = join(closedRun(), 'nas.sqlite');
    const sql = new Database(path);
    sql.pragma('user_version = 99');
    sql.close();
    const before = readFileSync(path);
    for (const readonly of [true, false]) {
      const error = errorOf(() => Store.open(path, { readonly }));
      expect(error).toMatchObject({ exitCode: 2, hint: 'Update nas.' });
      expect(error.message).toContain('newer version of nas (schema 99');
    }
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it.each([
    ['text', 'This is not a database, but it is longer than the header of one, which has a hundred bytes in all. '],
    ['empty', ''],
  ])('is no database: %s', (_name, content) => {
    const path = join(temporaryFolder(), 'nas.sqlite');
    writeFileSync(path, content.repeat(20));
    for (const readonly of [true, false]) {
      const error = errorOf(() => Store.open(path, { readonly }));
      expect(error.exitCode).toBe(2);
      expect(error.message).toContain('not a database of nas');
    }
  });

  it('is the database of another program', () => {
    const path = join(temporaryFolder(), 'nas.sqlite');
    const sql = new Database(path);
    sql.exec('CREATE TABLE t (x)');
    sql.close();
    expect(errorOf(() => Store.open(path))).toMatchObject({
      exitCode: 2,
      message: `${path}: the file is not a database of nas`,
    });
  });

  it('is a folder', () => {
    const path = join(temporaryFolder(), 'nas.sqlite');
    mkdirSync(path);
    expect(errorOf(() => Store.open(path))).toMatchObject({ exitCode: 2 });
  });

  it('is damaged: cut short', () => {
    const path = join(closedRun(), 'nas.sqlite');
    const content = readFileSync(path);
    writeFileSync(path, content.subarray(0, Math.floor(content.length / 2)));
    const error = errorOf(() => Store.open(path));
    expect(error.exitCode).toBe(2);
    expect(error.message).toContain('damaged');
  });

  it('is damaged in the middle: noticed when it is opened for writing, and by readers where they read it', () => {
    const path = join(closedRun(), 'nas.sqlite');
    const content = readFileSync(path);
    content.fill(0xa5, 8192);
    writeFileSync(path, content);
    expect(errorOf(() => Store.open(path)).message).toContain('damaged');
    const reading = errorOf(() => Store.open(path, { readonly: true }).trials.all());
    expect(reading.exitCode).toBe(2);
    expect(reading.message).toContain('damaged');
  });

  it('has a JSON value that cannot be read', () => {
    const { store, path } = newStore();
    const sql = new Database(path);
    sql.exec(`INSERT INTO networks VALUES ('a', '{')`);
    sql.close();
    expect(errorOf(() => store.networks.get('a')).message).toContain('damaged (a JSON value cannot be read');
  });
});

describe('a disk that refuses', () => {
  it('is full: what was recorded before stays', () => {
    const { path } = newStore();
    const sql = new Database(path);
    const store = new Store(new Connection(sql, path, Date.now));
    store.trials.ask(newTrial(0));
    sql.pragma(`max_page_count = ${(sql.pragma('page_count', { simple: true }) as number) + 2}`);
    const error = errorOf(() => {
      for (let i = 1; i < 1000; i++) store.trials.ask(newTrial(i));
    });
    expect(error).toMatchObject({ exitCode: 2 });
    expect(error.message).toContain('the disk is full (SQLITE_FULL');
    const kept = store.trials.all();
    expect(kept.length).toBeGreaterThan(0);
    expect(store.trials.progress().waiting).toBe(kept.length);
    expect(sql.pragma('integrity_check', { simple: true })).toBe('ok');
    sql.close();
  });

  it('leaves no half-made database when it cannot be created', () => {
    const folder = temporaryFolder();
    const bad = { ...meta, environment: { load: NaN } };
    expect(errorOf(() => Store.create(join(folder, 'nas.sqlite'), bad)).code).toBe('failure');
    expect(readdirSync(folder)).not.toContain('nas.sqlite');
    Store.create(join(folder, 'nas.sqlite'), meta).close();
    expect(readdirSync(folder)).toEqual(['nas.sqlite']);
  });

  it('is a read-only folder: can be read, cannot be written', () => {
    const folder = closedRun();
    chmodSync(join(folder, 'nas.sqlite'), 0o444);
    chmodSync(folder, 0o555);
    onTestFinished(() => chmodSync(folder, 0o755));
    asOrdinaryUser();
    const reader = Store.open(join(folder, 'nas.sqlite'), { readonly: true });
    expect(reader.trials.all()).toHaveLength(200);
    reader.close();
    const writing = errorOf(() => Store.open(join(folder, 'nas.sqlite')));
    expect(writing.exitCode).toBe(2);
    expect(writing.message).toContain('read-only');
    for (const path of [join(folder, 'new.sqlite'), join(folder, 'sub', 'new.sqlite')]) {
      const creating = errorOf(() => Store.create(path, meta));
      expect(creating.exitCode).toBe(2);
      expect(creating.hint).toContain('--workdir');
    }
  });

  it('has a file that may not be read', () => {
    const folder = closedRun();
    copyFileSync(join(folder, 'nas.sqlite'), join(folder, 'secret.sqlite'));
    chmodSync(join(folder, 'secret.sqlite'), 0o000);
    asOrdinaryUser();
    expect(errorOf(() => Store.open(join(folder, 'secret.sqlite'), { readonly: true })).exitCode).toBe(2);
  });
});
