import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RunEntry, RunsAnswer } from '../../reports/page/api.js';
import { temporaryFolder } from '../support/temporary.js';
import { nasInside, expectRefusal } from './nas.js';
import { start } from './start.js';
import { storedRun } from './stored-run.js';

const runsAt = async (address: string): Promise<readonly RunEntry[]> =>
  ((await (await fetch(new URL('/api/runs', address))).json()) as RunsAnswer).runs;

it('nas ui shows the runs of a folder until it is stopped', async () => {
  const folder = temporaryFolder();
  await storedRun(join(folder, 'runs', 'a'), 2);
  const { child, address, text, code } = start(['ui', '--port', '0'], folder);
  expect(await runsAt(await address)).toMatchObject([{ id: 'a', run: { status: 'complete' } }]);
  const page = await fetch(await address);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<div id="app">')]);
  child.kill('SIGINT');
  expect(await code).toBe(0);
  expect(text()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[0-9a-f]{64}\n/);
});

it('nas ui makes a token for a public address', async () => {
  const { address, child, code } = start(['ui', '--host', '0.0.0.0', '--port', '0'], temporaryFolder());
  const given = new URL(await address);
  given.hostname = '127.0.0.1';
  // The page itself holds nothing; it keeps the token of its address, and sends it.
  expect((await fetch(given)).status).toBe(200);
  const runs = new URL('/api/runs', given);
  expect((await fetch(runs)).status).toBe(401);
  const authorization = `Bearer ${given.searchParams.get('token') ?? ''}`;
  expect((await fetch(runs, { headers: { authorization } })).status).toBe(200);
  child.kill('SIGTERM');
  expect(await code).toBe(0);
});

it('nas ui refuses invalid options', async () => {
  await expectRefusal(nasInside(['ui', '--port', '70000']), '--port 70000: expected a whole number from 0 to 65535');
});
