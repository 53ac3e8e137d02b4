import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { noteResources, ProcessMeter } from '../../runner/resources.js';
import { readResources, ResourceLog } from '../../runner/stored/resources.js';
import { temporaryFolder } from '../support/temporary.js';

/** Computes for 0.3 s of processor time, says so, and waits for the end of its input. */
const busyThenIdle = `
  while (process.cpuUsage().user < 300_000) Math.sqrt(2);
  process.stdout.write('idle');
  process.stdin.resume();
`;

it.skipIf(process.platform !== 'linux')('processor time and memory are those of the process', async () => {
  const child = spawn(process.execPath, ['-e', busyThenIdle], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill());
  const began = performance.now();
  const meter = new ProcessMeter(child.pid);
  await once(child.stdout, 'data');
  const busy = meter.read();
  // Linux counts in hundredths of a second.
  expect((busy.cpu ?? 0) * (performance.now() - began)).toBeGreaterThan(200);
  expect(busy.memory).toBeGreaterThan(20e6);
  await sleep(300);
  // A process that waits computes next to nothing, however busy the machine is.
  expect(meter.read().cpu).toBeLessThan(0.2);
  expect(new ProcessMeter(2 ** 30).read()).toEqual({});
});

it('a run notes the speed of each worker, and passes its events on', async () => {
  const workdir = temporaryFolder();
  const seen: string[] = [];
  const notes = noteResources(workdir, ({ kind }) => seen.push(kind), 20);
  const step = { stage: 'search', number: 3, epoch: 0, epochs: 1, step: 1, steps: 2, loss: 1 } as const;
  notes.observe({ kind: 'trial-step', worker: 1, imagesPerSecond: 1234.4, ...step });
  await expect.poll(() => readResources(workdir).length).toBeGreaterThan(1);
  notes.end();
  const [first, second] = readResources(workdir);
  expect([first.images, second.images, seen]).toEqual([{ 'worker 2': 1234 }, {}, ['trial-step']]);
  const count = readResources(workdir).length;
  await sleep(60);
  expect(readResources(workdir)).toHaveLength(count);
});

it('a long run keeps a bounded number of samples over all of its time; damaged lines are left out', () => {
  const workdir = temporaryFolder();
  const file = join(workdir, 'nas.resources.jsonl');
  const lines = Array.from({ length: 2000 }, (_, at) => `${JSON.stringify({ at, images: {} })}\n`);
  appendFileSync(file, lines.join(''));
  new ResourceLog(workdir).add({ at: 2000, images: {} });
  const kept = readResources(workdir);
  expect([kept.length, kept[0].at, kept.at(-1)?.at]).toEqual([1001, 1, 2000]);
  appendFileSync(file, '{"at": 2001, "ima');
  expect(readResources(workdir)).toHaveLength(1001);
  expect(readFileSync(file, 'utf8').length).toBeLessThan(60_000);
  expect(readResources(join(workdir, 'none'))).toEqual([]);
});
