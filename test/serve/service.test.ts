import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NotAnswered } from '../../serve/inference/pool.js';
import { readFrontier } from '../../serve/models/frontier.js';
import { openService, type Service, type ServiceOptions } from '../../serve/service.js';
import { temporaryFolder } from '../support/temporary.js';
import { greyNetwork, greyNetworks, pixelsOf, tinyNetwork, writeFrontier, writeNetwork } from './models.js';
import { outputsOf } from './reference.js';
import { patient } from './inference/pools.js';
import { Gate } from '../../runner/jobs/supervision.js';

const pixels = pixelsOf([28, 28, 1], 1);

async function serviceOf(folder: string, options: Partial<ServiceOptions> = {}): Promise<Service> {
  const service = await openService({
    read: () => readFrontier(folder),
    workers: 'inline',
    maxQueue: 1024,
    // A batch size is measured for 40 ms.
    maxBatch: 1,
    ...options,
  });
  onTestFinished(() => service.close());
  return service;
}

const served = ({ pool }: Service): string[] => pool.frontier.models.map(({ name }) => name);

const states = (service: Service): Record<string, string> =>
  Object.fromEntries(service.index().map(({ name, state }) => [name, state]));

const reasonOf = (service: Service, name: string): string | undefined =>
  service.index().find((entry) => entry.name === name)?.reason;

/** Classifies one image with the network that the scheduler chooses. */
const classify = (service: Service) =>
  service.use(async (pool) => (await pool.run([{ kind: 'pixels', data: pixels }], patient()))[0]);

/** Stops the processes that start from now on: models that never return. The result ends that. */
function hangNewProcesses(): () => void {
  const onCreate = (message: unknown): void => {
    const { process: child } = message as { readonly process: ChildProcess };
    child.once('spawn', () => child.kill('SIGSTOP'));
  };
  subscribe('child_process', onCreate);
  const end = (): void => void unsubscribe('child_process', onCreate);
  onTestFinished(end);
  return end;
}

describe('openService', () => {
  it('serves the models, and after a reload the new ones; measures each once', async () => {
    const folder = temporaryFolder();
    writeFrontier(folder, greyNetworks.slice(0, 2));
    const service = await serviceOf(folder);
    expect(served(service)).toEqual(['trial-1', 'trial-2']);
    const before = service.pool;
    await service.reload();
    // Without changes, nothing is opened.
    expect(service.pool).toBe(before);
    writeNetwork(folder, greyNetworks[2]);
    rmSync(join(folder, 'trial-1.onnx'));
    await service.reload();
    expect(served(service)).toEqual(['trial-2', 'trial-3']);
    expect(service.pool.models[0].times).toBe(before.models[1].times);
    const { model, outputs } = await classify(service);
    expect(Array.from(outputs)).toEqual(Array.from(await outputsOf(model, pixels)));
  });

  it('finishes a request on the pool it started with, then closes that pool', async () => {
    const folder = temporaryFolder();
    writeFrontier(folder, greyNetworks.slice(0, 2));
    const service = await serviceOf(folder);
    const old = service.pool;
    const gate = new Gate();
    const slow = service.use(async (pool) => {
      await gate.opened;
      return pool.run([{ kind: 'pixels', data: pixels }], patient({ only: pool.frontier.models[0] }));
    });
    rmSync(join(folder, 'trial-1.onnx'));
    await service.reload();
    expect(served(service)).toEqual(['trial-2']);
    gate.open();
    expect((await slow)[0].model.name).toBe('trial-1');
    await expect
      .poll(() => old.run([{ kind: 'pixels', data: pixels }], patient()).catch((error: unknown) => error))
      .toMatchObject({ reason: 'closing' });
  });

  it('starts beside models that cannot be read or opened, says why, and serves on', async () => {
    const folder = temporaryFolder();
    writeFrontier(folder, greyNetworks.slice(0, 1));
    writeFileSync(join(folder, 'bad.onnx'), tinyNetwork(greyNetworks[2]).subarray(0, 100));
    // A file that can be read but not opened.
    const closed = join(folder, 'closed.onnx');
    writeFileSync(closed, tinyNetwork(greyNetwork({ name: 'x', filters: 0 })));
    const service = await serviceOf(folder);
    expect(states(service)).toEqual({ bad: 'UNAVAILABLE', closed: 'UNAVAILABLE', 'trial-1': 'READY' });
    expect(reasonOf(service, 'bad')).toMatch(/bad\.onnx is not an ONNX model/);
    expect(reasonOf(service, 'closed')).toMatch(/'closed' cannot be opened/);
    expect((await classify(service)).model.name).toBe('trial-1');
    writeNetwork(folder, greyNetwork({ name: 'closed' }));
    await service.reload();
    expect(states(service)).toEqual({ bad: 'UNAVAILABLE', closed: 'READY', 'trial-1': 'READY' });
  });

  it('makes a model that never returns unavailable, and serves, updates and loads the others meanwhile', async () => {
    const folder = temporaryFolder();
    writeFrontier(folder, greyNetworks.slice(0, 1));
    const warnings: string[] = [];
    const service = await serviceOf(folder, { loadMs: 4000, onWarning: (message) => warnings.push(message) });
    const hangNoMore = hangNewProcesses();
    const { file } = writeNetwork(folder, greyNetwork({ name: 'endless' }));
    const reloaded = service.reload();
    await expect.poll(() => states(service)).toEqual({ endless: 'LOADING', 'trial-1': 'READY' });
    expect((await classify(service)).model.name).toBe('trial-1');
    await reloaded;
    expect(states(service)).toEqual({ endless: 'UNAVAILABLE', 'trial-1': 'READY' });
    expect(reasonOf(service, 'endless')).toBe("'endless' was not opened and measured within 4000 ms");
    expect(warnings).toEqual([
      "the model endless is unavailable: 'endless' was not opened and measured within 4000 ms",
    ]);
    // It is not measured again, and another model is served beside it.
    hangNoMore();
    writeNetwork(folder, greyNetworks[1]);
    await service.reload();
    expect(states(service)).toEqual({ endless: 'UNAVAILABLE', 'trial-1': 'READY', 'trial-2': 'READY' });
    rmSync(file);
    await service.reload();
    expect(states(service)).toEqual({ 'trial-1': 'READY', 'trial-2': 'READY' });
  });

  it('stops measuring a model whose file is removed, and at its end', async () => {
    const folder = temporaryFolder();
    writeFrontier(folder, greyNetworks.slice(0, 1));
    const service = await serviceOf(folder);
    hangNewProcesses();
    const { file } = writeNetwork(folder, greyNetwork({ name: 'endless' }));
    const reloaded = service.reload();
    await expect.poll(() => states(service)).toMatchObject({ endless: 'LOADING' });
    rmSync(file);
    await service.reload();
    await reloaded;
    expect(states(service)).toEqual({ 'trial-1': 'READY' });
    writeNetwork(folder, greyNetwork({ name: 'endless' }));
    const again = service.reload();
    await expect.poll(() => states(service)).toMatchObject({ endless: 'LOADING' });
    await service.close();
    await again;
  });

  it('reads once for reloads that are requested before it starts; answers accepted requests when closed', async () => {
    const folder = temporaryFolder();
    writeFrontier(folder, greyNetworks.slice(0, 1));
    let reads = 0;
    const service = await serviceOf(folder, {
      read: () => (reads++, readFrontier(folder)),
    });
    reads = 0;
    await Promise.all(Array.from({ length: 20 }, () => service.reload()));
    expect(reads).toBe(1);
    expect(service.isReady).toBe(true);
    service.drain();
    expect(service.isReady).toBe(false);
    const last = classify(service);
    const closed = service.close();
    expect((await last).model.name).toBe('trial-1');
    await closed;
    await expect(classify(service)).rejects.toThrow(NotAnswered);
  });

  it('loses no request while models come, go and are replaced', async () => {
    const folder = temporaryFolder();
    writeFrontier(folder, greyNetworks.slice(0, 2));
    const service = await serviceOf(folder, { workers: 1 });
    const expected = new Map<string, Promise<Float32Array>>();
    let isChanging = true;
    let answered = 0;
    const load = async (): Promise<void> => {
      while (isChanging) {
        const { model, outputs } = await classify(service);
        let right = expected.get(model.sha256);
        if (right === undefined) expected.set(model.sha256, (right = Promise.resolve(outputs)));
        const known = await right;
        // Batches of other sizes sum in another order.
        for (const [i, value] of outputs.entries()) expect(value).toBeCloseTo(known[i], 4);
        answered++;
        await sleep(2);
      }
    };
    const clients = Array.from({ length: 8 }, load);
    const replace = (depth: number): Promise<void> => {
      writeNetwork(folder, greyNetwork({ name: 'trial-1', depth }));
      return service.reload();
    };
    rmSync(join(folder, 'trial-2.onnx'));
    await service.reload();
    writeNetwork(folder, greyNetworks[1]);
    await replace(1);
    await replace(2);
    isChanging = false;
    await Promise.all(clients);
    expect(answered).toBeGreaterThan(10);
  }, 600_000);
});
