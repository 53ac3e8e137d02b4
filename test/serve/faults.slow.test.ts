import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import sharp from 'sharp';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Random } from '../../base/random.js';
import { generateLoad } from '../../bench/serve/load/generate.js';
import type { LoadPlan } from '../../bench/serve/load/plan.js';
import type { LoadReport } from '../../bench/serve/load/report.js';
import { type RunningServer } from '../../serve/start-server.js';
import { temporaryFolder } from '../support/temporary.js';
import { greyNetworks, pixelsOf, writeNetwork } from './models.js';
import { crash } from './threads.js';
import { started } from './started.js';

/** Number of times each fault occurs; NAS_TEST_REPEAT sets more. */
const times = Number(process.env['NAS_TEST_REPEAT'] ?? 2);
const timeout = 300_000 + times * 3_600;

/** Longer than any answer on a busy machine: a request without an answer by then was lost. */
const budgetMs = 30_000;
const connections = 8;
const pixels = pixelsOf([28, 28, 1], 1);

/** Threads can be killed, the event loop cannot. */
const start = (folder: string) => started(folder, { workers: 2, maxQueue: 256, budgetMs });

/** Alternates tensors and images. Images are decoded first, so some are in the server but not yet in its pool. */
async function planFor({ address }: RunningServer, folder: string): Promise<LoadPlan> {
  const [tensor, image] = ['pixels', 'image'].map((name) => join(folder, name));
  writeFileSync(tensor, pixels);
  await sharp(pixels, { raw: { width: 28, height: 28, channels: 1 } })
    .png()
    .toFile(image);
  const raw = { 'content-type': 'application/octet-stream', 'inference-header-content-length': '0' };
  return {
    port: Number(new URL(address).port),
    requests: [
      { path: '/v2/models/frontier/infer', headers: raw, body: tensor },
      { path: '/v1/classify', headers: { 'content-type': 'image/png' }, body: image },
    ],
    pace: { kind: 'closed' },
    seconds: timeout / 1000,
    connections,
    budgetMs,
  };
}

/** A server under load during a fault, and the outcome of all requests. */
async function underLoad(
  folder: string,
  fault: (server: RunningServer, load: Load) => Promise<void>,
): Promise<LoadReport> {
  const server = await start(folder);
  const plan = await planFor(server, temporaryFolder());
  const stop = new AbortController();
  const report = generateLoad(plan, { stop: stop.signal, patienceMs: budgetMs });
  await fault(server, { stop: () => stop.abort(), ask: () => ask(plan) });
  stop.abort();
  return report;
}

interface Load {
  readonly stop: () => void;
  readonly ask: () => Promise<void>;
}

async function ask({ port, requests: [{ path, headers }] }: LoadPlan): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers,
    body: Buffer.from(pixels),
  });
  expect(response.status).toBe(200);
  await response.arrayBuffer();
}

/** Requests without an answer. */
const lost = ({ counts }: LoadReport): Partial<LoadReport['counts']> =>
  Object.fromEntries(Object.entries(counts).filter(([fate, count]) => fate !== 'good' && count > 0));

/** The living inference threads that this process started. */
function watchThreads(): ReadonlySet<Worker> {
  const threads = new Set<Worker>();
  const watch = (thread: Worker): void => {
    threads.add(thread);
    thread.once('exit', () => threads.delete(thread));
  };
  process.on('worker', watch);
  onTestFinished(() => void process.off('worker', watch));
  return threads;
}

describe(`under load, ${times} times`, () => {
  test('when an inference thread is killed, other threads answer its images', { timeout }, async () => {
    const folder = temporaryFolder();
    for (const network of greyNetworks) writeNetwork(folder, network);
    const threads = watchThreads();
    const random = new Random(1, 'kills');
    const report = await underLoad(folder, async (_, { ask }) => {
      for (let kill = 0; kill < times; kill++) {
        const successor = once(process, 'worker') as Promise<[Worker]>;
        crash(random.pick([...threads]));
        const [thread] = await successor;
        // The message says that the models are open.
        await once(thread, 'message');
        // An image in flight in two crashes is refused, so the images of this kill are answered first.
        for (let i = 0; i < 2; i++) await ask();
      }
    });
    expect(lost(report)).toEqual({});
    expect(report.counts.good).toBeGreaterThan(times);
  });

  test('when models are replaced, requests to the old ones are answered', { timeout }, async () => {
    const folder = temporaryFolder();
    const [first, ...others] = greyNetworks;
    writeNetwork(folder, first);
    const report = await underLoad(folder, async ({ service }, { ask }) => {
      for (let reload = 0; reload < times; reload++) {
        const turn = others[Math.floor(reload / 2) % others.length];
        if (reload % 2 === 0) writeNetwork(folder, turn);
        else await rm(join(folder, `${turn.name}.onnx`));
        await service.reload();
        expect(service.pool.models).toHaveLength(reload % 2 === 0 ? 2 : 1);
        await ask();
      }
    });
    expect(lost(report)).toEqual({});
    expect(report.counts.good).toBeGreaterThan(times);
  });

  test('when the server drains, it answers all accepted requests, then ends', { timeout }, async () => {
    const folder = temporaryFolder();
    writeNetwork(folder, greyNetworks[0]);
    const random = new Random(1, 'drains');
    for (let drain = 0; drain < times; drain++) {
      const report = await underLoad(folder, async (server, { stop, ask }) => {
        await ask();
        await sleep(20 * random.uniform());
        const drained = server.drained(100);
        // Load balancers send requests until they have seen "not ready".
        await sleep(20 * random.uniform());
        stop();
        await drained;
        await expect(fetch(server.address)).rejects.toThrow('fetch failed');
      });
      expect(lost(report)).toEqual({});
      expect(report.counts.good).toBeGreaterThan(0);
    }
  });
});
