import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RunEntry, RunsAnswer } from '../../experiments/page/api.js';
import { writeTable } from '../experiments/table-experiment.js';
import { temporaryFolder } from '../support/temporary.js';
import { nasInside } from './nas.js';
import { start } from './start.js';
import { storedRun } from './stored-run.js';

const runsAt = async (address: string): Promise<readonly RunEntry[]> =>
  ((await (await fetch(new URL('/api/runs', address))).json()) as RunsAnswer).runs;

const isThere = async (address: string): Promise<boolean> => {
  try {
    return (await fetch(address)).ok;
  } catch {
    return false;
  }
};

it('shows the runs of a folder until it is stopped', async () => {
  const folder = temporaryFolder();
  await storedRun(join(folder, 'runs', 'a'), 2);
  const { child, address, text, code } = start(['ui', '--port', '0'], folder);
  expect(await runsAt(await address)).toMatchObject([{ id: 'a', run: { status: 'complete' } }]);
  const page = await fetch(await address);
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<div id="app">')]);
  child.kill('SIGINT');
  expect(await code).toBe(0);
  expect(text()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\n/);
});

it('makes a token for an address that others can reach', async () => {
  const { address, child, code } = start(['ui', '--host', '0.0.0.0', '--port', '0'], temporaryFolder());
  const given = new URL(await address);
  given.hostname = '127.0.0.1';
  const first = await fetch(given, { redirect: 'manual' });
  expect(first.status).toBe(303);
  expect(first.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Lax/);
  given.search = '';
  expect((await fetch(given)).status).toBe(401);
  child.kill('SIGTERM');
  expect(await code).toBe(0);
});

it('says what is wrong with its options', async () => {
  const { code, err } = await nasInside(['ui', '--port', '70000']);
  expect([code, err]).toEqual([2, expect.stringContaining('--port 70000: expected a whole number from 0 to 65535')]);
});

it('goes on beside a run and ends with it, however that ends', async () => {
  const folder = temporaryFolder();
  const { file } = writeTable(folder, { search: '{ controller: nsga2, trials: 8, population: 4 }' });
  const args = ['run', file, '--workdir', 'work', '--ui'];
  const { child, address, text, code } = start(args, folder);
  const at = await address;
  // A search in a table would be over before it has been looked at.
  child.kill('SIGSTOP');
  expect((await fetch(at)).status).toBe(200);
  child.kill('SIGCONT');
  expect(await code).toBe(0);
  expect(text()).toMatch(/^http:\/\/127\.0\.0\.1:\d+ shows this run\n/);
  expect(text()).toMatch(/The page has ended with the run; nas ui work opens it again\n/);
  await expect.poll(() => isThere(at), { timeout: 10_000 }).toBe(false);

  const killed = start(['resume', 'work', '--trials', '+5', '--ui'], folder);
  const there = await killed.address;
  killed.child.kill('SIGSTOP');
  expect(await runsAt(there)).toMatchObject([{ id: 'work' }]);
  killed.child.kill('SIGKILL');
  await expect.poll(() => isThere(there), { timeout: 10_000 }).toBe(false);
}, 120_000);

it.skipIf(process.platform !== 'linux')(
  'does without a page whose process was lost, and says so',
  async () => {
    const folder = temporaryFolder();
    const { file } = writeTable(folder, { search: '{ controller: nsga2, trials: 8, population: 4 }' });
    const { child, address, text, code } = start(['run', file, '--workdir', 'my work', '--ui'], folder);
    const at = await address;
    child.kill('SIGSTOP');
    process.kill(Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')), 'SIGKILL');
    await expect.poll(() => isThere(at), { timeout: 10_000 }).toBe(false);
    child.kill('SIGCONT');
    expect(await code).toBe(0);
    expect(text()).toContain(
      "The page ended before the run did: its process was lost; nas ui 'my work' opens it again\n",
    );
  },
  60_000,
);
