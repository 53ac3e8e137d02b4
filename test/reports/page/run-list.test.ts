import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { RunFolder } from '../../../reports/page/run-folder.js';
import { RunList } from '../../../reports/page/run-list.js';
import { databasePath } from '../../../runner/stored/workdir.js';
import { storedRun } from '../../cli/stored-run.js';
import { temporaryFolder } from '../../support/temporary.js';

it('does not retry an unreadable run at once', async () => {
  const folder = temporaryFolder();
  const workdir = join(folder, 'a');
  mkdirSync(workdir);
  writeFileSync(databasePath(workdir), 'no history');
  let now = Date.now();
  const list = new RunList(new RunFolder(folder, () => now), () => now);
  const entry = async () => (await list.answer()).runs[0];
  const first = await entry();
  expect(first).toMatchObject({ id: 'a', problem: expect.any(String) as string });
  // A new read creates another object.
  expect(await entry()).toBe(first);
  now += 600_000;
  expect(await entry()).not.toBe(first);
  rmSync(workdir, { recursive: true });
  await storedRun(workdir, 1);
  now += 600_000;
  expect(await entry()).toMatchObject({ id: 'a', run: { status: 'complete' } });
});
