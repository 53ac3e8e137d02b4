import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { goodput, interleave, medianOf } from '../../../bench/serve/rounds.js';
import type { ServerProcess } from '../../../bench/serve/server-process.js';
import { temporaryFolder } from '../../support/temporary.js';

/** A server that uses `ms` of CPU time per response. */
async function startBusy(ms: number): Promise<ServerProcess> {
  const script = `
    const burn = (ms) => { for (const from = process.cpuUsage().user; process.cpuUsage().user - from < 1000 * ms; ); };
    require('node:http')
      .createServer((request, response) => { burn(${ms}); request.resume(); response.end('{}'); })
      .listen(0, '127.0.0.1', function () { console.log(this.address().port); });`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill());
  const [port] = (await once(createInterface(child.stdout), 'line')) as [string];
  if (child.pid === undefined) throw new Error('the server did not start');
  return { pid: child.pid, port: Number(port), end: () => Promise.resolve() };
}

test('a measurement has the CPU time per response and the rate', async () => {
  const body = join(temporaryFolder(), 'body');
  writeFileSync(body, 'pixels');
  const plan = {
    requests: [{ path: '/', headers: {}, body }],
    pace: { kind: 'closed' as const },
    // Long enough for a busy machine to give both their ticks.
    seconds: 2,
    connections: 2,
    budgetMs: 10_000,
  };
  const [cheap, dear] = [await startBusy(2), await startBusy(10)];
  const measurements = await interleave({ cheap: { server: cheap, plan }, dear: { server: dear, plan } }, 1);
  expect(measurements.cheap).toHaveLength(1);
  const cpu = medianOf(measurements.dear, ({ cpuMs }) => cpuMs);
  // Linux counts CPU time in ticks of 10 ms.
  expect(cpu).toBeGreaterThan(9);
  expect(medianOf(measurements.cheap, ({ cpuMs }) => cpuMs)).toBeLessThan(cpu / 2);
  expect(medianOf(measurements.dear, goodput)).toBeLessThan(100);
  expect(medianOf(measurements.dear, goodput)).toBe(medianOf(measurements.dear, ({ rate }) => rate));
});
