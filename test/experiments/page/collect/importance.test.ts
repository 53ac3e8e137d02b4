import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { factsOf } from '../../../../experiments/report/run.js';
import { LatestImportance } from '../../../../experiments/page/collect/importance.js';
import { databasePath } from '../../../../experiments/runner/index.js';
import { lockWorkdir, Store } from '../../../../store/index.js';
import { storedRun } from '../../../cli/stored-run.js';
import { temporaryFolder } from '../../../support/temporary.js';

it('computes what matters again when a run has grown, or stands still otherwise than it did', async () => {
  const workdir = join(temporaryFolder(), 'a');
  await storedRun(workdir, 25);
  const store = Store.open(databasePath(workdir));
  onTestFinished(() => store.close());
  const importance = new LatestImportance();
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
  // No process works in it any more: what is said of it is exact.
  const last = at(161, 105);
  expect(last).not.toBe(second);
  expect(at(161, 105)).toBe(last);
});
