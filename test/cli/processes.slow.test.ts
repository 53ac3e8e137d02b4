import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { RunsAnswer } from '../../reports/page/api.js';
import { writeTable } from '../runner/table-experiment.js';
import { testAgent } from '../latency-models/devices/agents.js';
import { temporaryFolder } from '../support/temporary.js';
import { main, nas, nasInside } from './nas.js';
import { start } from './start.js';

const isThere = async (address: string): Promise<boolean> => {
  try {
    return (await fetch(address)).ok;
  } catch {
    return false;
  }
};

it('nas run continues after its reader has closed the pipe', async () => {
  const folder = temporaryFolder();
  const { file } = writeTable(folder);
  const workdir = join(folder, 'run');
  const shell = `"${process.execPath}" "${main}" run "${file}" --workdir "${workdir}" 2>&1 | head -1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', shell]);
  expect(stdout).toMatch(/^[^\n]*\n0\n$/);
  expect(stderr).toBe('');
  expect((await nasInside(['status', workdir])).out).toContain('complete');
});

it('nas devices lists local devices, browsers and agents', async () => {
  const agent = await testAgent();
  const args = ['devices', '--json', '--agent', agent.address, '--agent', 'http://127.0.0.1:1'];
  const { code, out } = await nas(args);
  expect(code).toBe(0);
  const { devices } = JSON.parse(out) as { devices: { device: string; reason: string | null; detail: string }[] };
  const of = (name: string) => devices.find(({ device }) => device === name);
  expect(of('local')).toMatchObject({ reason: null });
  expect(of(`agent:url=${agent.address}`)?.detail).toMatch(/^local\/cpu/);
  expect(of('agent:url=http://127.0.0.1:1')?.reason).toContain('has not answered');
  expect(of('browser')).toBeDefined();
});

it('nas doctor shows engines and caches', async () => {
  const cache = join(temporaryFolder(), 'cache');
  mkdirSync(join(cache, 'data', 'some-images'), { recursive: true });
  writeFileSync(join(cache, 'data', 'some-images', 'train.bin'), 'pixels');
  writeFileSync(join(cache, 'data', 'some-images.lock'), '');
  const { code, out } = await nas(['doctor', '--json'], { env: { NAS_CACHE: cache } });
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    active: expect.stringMatching(/native|compiled/) as string,
    blocked: expect.stringMatching(/works|failed/) as string,
    boards: { serialport: 'installed', 'serial ports': expect.stringMatching(/dev/) as string },
    caches: { entries: [{ name: join('data', 'some-images'), size: '6 B' }] },
  });
});

it('the page of a run ends with the run, also when that is killed', async () => {
  const folder = temporaryFolder();
  const { file } = writeTable(folder, { search: '{ controller: local, trials: 40, startup: 4 }' });
  const args = ['run', file, '--workdir', 'work', '--ui'];
  const { child, address, text, code } = start(args, folder);
  const at = await address;
  // Stopped, as a search on a table ends within milliseconds.
  child.kill('SIGSTOP');
  expect((await fetch(at)).status).toBe(200);
  child.kill('SIGCONT');
  expect(await code).toBe(0);
  expect(text()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[0-9a-f]{64} shows this run\n/);
  expect(text()).toMatch(/The page has ended with the run; nas ui work opens it again\n/);
  await expect.poll(() => isThere(at)).toBe(false);

  const killed = start(['resume', 'work', '--trials', '+5', '--ui'], folder);
  const there = await killed.address;
  killed.child.kill('SIGSTOP');
  expect(((await (await fetch(new URL('/api/runs', there))).json()) as RunsAnswer).runs).toMatchObject([
    { id: 'work' },
  ]);
  killed.child.kill('SIGKILL');
  await expect.poll(() => isThere(there)).toBe(false);
});

it.skipIf(process.platform !== 'linux')('a run continues without its page, and says so', async () => {
  const folder = temporaryFolder();
  const { file } = writeTable(folder, { search: '{ controller: local, trials: 40, startup: 4 }' });
  const { child, address, text, code } = start(['run', file, '--workdir', 'my work', '--ui'], folder);
  const at = await address;
  child.kill('SIGSTOP');
  process.kill(Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')), 'SIGKILL');
  await expect.poll(() => isThere(at)).toBe(false);
  child.kill('SIGCONT');
  expect(await code).toBe(0);
  expect(text()).toContain(
    "The page ended before the run did: its process was lost; nas ui 'my work' opens it again\n",
  );
});
