import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { factsOf } from '../../../../reports/read-model/run.js';
import { ImportanceCache } from '../../../../reports/page/collect/importance.js';
import { databasePath } from '../../../../runner/stored/workdir.js';
import { lockWorkdir, Store } from '../../../../store/index.js';
import { storedRun } from '../../../cli/stored-run.js';
import { temporaryFolder } from '../../../support/temporary.js';

it('recomputes parameter importance after growth, or after any change of a stopped run', async () => {
  const workdir = join(temporaryFolder(), 'a');
  await storedRun(workdir, 25);
  const store = Store.open(databasePath(workdir));
  onTestFinished(() => store.close());
  const importance = new ImportanceCache();
  const facts = factsOf(store);
  const at = (cursor: number, complete: number) => importance.answer(store, { facts, cursor, complete });

  const lock = lockWorkdir(workdir);
  store.run.setStatus('running');
  const first = at(100, 100);
  expect((await first).objectives?.length).toBe(2);
  expect(at(100, 100)).toBe(first);
  expect(at(150, 104)).toBe(first);
  const second = at(160, 105);
  expect(second).not.toBe(first);
  expect(at(161, 105)).toBe(second);
  lock.release();
  // The run is not running any more: every change counts.
  const last = at(161, 105);
  expect(last).not.toBe(second);
  expect(at(161, 105)).toBe(last);
});
