import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { Refusal } from '../../../base/server.js';
import { WatchedRun } from '../../../reports/page/run-folder.js';
import { RunCache } from '../../../reports/page/collect/run-cache.js';
import { databasePath } from '../../../runner/stored/workdir.js';
import { Store } from '../../../store/index.js';
import { storedRun } from '../../cli/stored-run.js';
import { temporaryFolder } from '../../support/temporary.js';

/** A run of three trials that was read, with its open store and cache. */
async function known() {
  const workdir = join(temporaryFolder(), 'a');
  await storedRun(workdir, 3);
  const store = Store.open(databasePath(workdir));
  onTestFinished(() => store.close());
  const run = new WatchedRun('a', workdir, Date.now);
  const caughtUp = () =>
    run.read((opened, memory) => {
      memory.update(opened);
      return { memory, cursor: memory.cursor, frontier: memory.frontier, summary: memory.summary(opened, 0) };
    });
  return { workdir, store, run, caughtUp, before: await caughtUp() };
}

it('keeps the cache after a task that throws', async () => {
  const { run, caughtUp, before } = await known();
  const refused = run.read(() => {
    throw new Refusal(404, 'there is no such trial');
  });
  await expect(refused).rejects.toThrow('there is no such trial');
  const after = await caughtUp();
  expect(after.memory).toBe(before.memory);
  // A full read would create another object.
  expect(after.frontier).toBe(before.frontier);
});

it('reads everything again after a failed update', async () => {
  const { workdir, store, caughtUp, before } = await known();
  const database = new Database(databasePath(workdir));
  onTestFinished(() => void database.close());
  for (const number of [0, 1]) store.trials.revise(number, { accuracy: { value: 0.99, provenance: 'measured' } });
  const find = database.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'trials'");
  const triggers = find.all() as { readonly name: string; readonly sql: string }[];
  const { choices } = database.prepare('SELECT choices FROM trials WHERE number = 1').get() as { choices: string };
  const write = (text: string): void => {
    for (const { name } of triggers) database.exec(`DROP TRIGGER ${name}`);
    database.prepare('UPDATE trials SET choices = ? WHERE number = 1').run(text);
    for (const { sql } of triggers) database.exec(sql);
  };
  write('{');
  await expect(caughtUp()).rejects.toThrow(/a JSON value cannot be read/);
  write(choices);
  const after = await caughtUp();
  expect(after.cursor).toBeGreaterThan(before.cursor);
  const fresh = new RunCache();
  fresh.update(store);
  expect([after.cursor, after.frontier, after.summary]).toEqual([
    fresh.cursor,
    fresh.frontier,
    fresh.summary(store, 0),
  ]);
});
