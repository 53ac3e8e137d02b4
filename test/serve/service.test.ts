import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Random } from '../../base/random.js';
import { NotAnswered, type RunOptions } from '../../serve/inference/pool.js';
import type { Model } from '../../serve/models/model.js';
import { readFrontier } from '../../serve/models/frontier.js';
import { openService, type Service, type ServiceOptions } from '../../serve/service.js';
import { temporaryFolder } from '../support/temporary.js';
import {
  endlessNetwork,
  greyNetwork,
  greyNetworks,
  pixelsOf,
  tinyNetwork,
  writeFrontier,
  writeNetwork,
} from './models.js';
import { outputsOf } from './reference.js';

const pixels = pixelsOf([28, 28, 1], 1);

const patient = (only: Model | null): RunOptions => ({
  deadline: performance.now() + 60_000,
  only,
  isGone: () => false,
  client: 'test',
});

async function serviceOf(folder: string, options: Partial<ServiceOptions> = {}): Promise<Service> {
  const service = await openService({
    read: () => readFrontier(folder),
    workers: 'inline',
    maxQueue: 1024,
    maxBatch: 4,
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
  service.use(async (pool) => (await pool.run([{ kind: 'pixels', data: pixels }], patient(null)))[0]);

describe('openService', () => {
  it('serves the models, and after a reload the new ones', async () => {
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
    const { model, outputs } = await classify(service);
    expect(Array.from(outputs)).toEqual(Array.from(await outputsOf(model, pixels)));
  });

  it('measures each model once', async () => {
    const folder = temporaryFolder();
    writeFrontier(folder, greyNetworks.slice(0, 2));
    const service = await serviceOf(folder);
    const before = service.pool.models;
    writeNetwork(folder, greyNetworks[2]);
    await service.reload();
    expect(service.pool.models.slice(0, 2).map(({ times }) => times)).toEqual(before.map(({ times }) => times));
  });

  it('finishes a request on the pool it started with, then closes that pool', async () => {
    const folder = temporaryFolder();
    writeFrontier(folder, greyNetworks.slice(0, 2));
    const service = await serviceOf(folder);
    const old = service.pool;
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const slow = service.use(async (pool) => {
      await released;
      return pool.run([{ kind: 'pixels', data: pixels }], patient(pool.frontier.models[0]));
    });
    rmSync(join(folder, 'trial-1.onnx'));
    await service.reload();
    expect(served(service)).toEqual(['trial-2']);
    release();
    expect((await slow)[0].model.name).toBe('trial-1');
    await expect
      .poll(() => old.run([{ kind: 'pixels', data: pixels }], patient(null)).catch((error: unknown) => error))
      .toMatchObject({ reason: 'closing' });
  });

  it('loads and unloads single models; an unloaded one returns by name or as another file', async () => {
    const folder = temporaryFolder();
    writeFrontier(folder, greyNetworks);
    const service = await serviceOf(folder);
    await service.unload('trial-2');
    await service.reload();
    expect(served(service)).toEqual(['trial-1', 'trial-3']);
    expect(states(service)).toEqual({ 'trial-1': 'READY', 'trial-2': 'UNAVAILABLE', 'trial-3': 'READY' });
    await service.load('trial-2');
    expect(states(service)).toMatchObject({ 'trial-2': 'READY' });
    await service.unload('trial-3');
    writeNetwork(folder, greyNetwork({ name: 'trial-3', depth: 1 }));
    await service.reload();
    expect(served(service)).toEqual(['trial-1', 'trial-2', 'trial-3']);
    // An unloaded file that returns is served.
    writeNetwork(folder, greyNetworks[2]);
    await service.reload();
    expect(served(service)).toEqual(['trial-1', 'trial-2', 'trial-3']);
  });

  it('reports what cannot be loaded or unloaded, and serves on', async () => {
    const folder = temporaryFolder();
    writeFrontier(folder, greyNetworks.slice(0, 2));
    const service = await serviceOf(folder);
    await expect(service.load('trial-9')).rejects.toThrow("there is no model 'trial-9'; did you mean 'trial-1'?");
    await service.unload('trial-1');
    await expect(service.unload('trial-2')).rejects.toThrow("model 'trial-2' is the last one");
    writeFileSync(join(folder, 'trial-3.onnx'), tinyNetwork(greyNetworks[2]).subarray(0, 100));
    await service.reload();
    expect(reasonOf(service, 'trial-3')).toMatch(/trial-3\.onnx is not an ONNX model/);
    // A file that can be read but not opened.
    writeFileSync(join(folder, 'trial-3.onnx'), tinyNetwork(greyNetwork({ name: 'x', filters: 0 })));
    await service.reload();
    expect(reasonOf(service, 'trial-3')).toMatch(/'trial-3' cannot be opened/);
    await expect(service.load('trial-3')).rejects.toThrow(/'trial-3' cannot be opened/);
    expect(served(service)).toEqual(['trial-2']);
    expect((await classify(service)).model.name).toBe('trial-2');
    rmSync(join(folder, 'trial-3.onnx'));
    await service.load('trial-1');
    expect(served(service)).toEqual(['trial-1', 'trial-2']);
  });

  it('makes a model that never returns unavailable, and serves, updates and loads the others meanwhile', async () => {
    const folder = temporaryFolder();
    writeFrontier(folder, greyNetworks.slice(0, 1));
    const warnings: string[] = [];
    const service = await serviceOf(folder, { loadMs: 4000, onWarning: (message) => warnings.push(message) });
    const file = join(folder, 'endless.onnx');
    writeFileSync(file, endlessNetwork(greyNetwork({ name: 'endless' })));
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
    const file = join(folder, 'endless.onnx');
    const write = (): void => writeFileSync(file, endlessNetwork(greyNetwork({ name: 'endless' })));
    write();
    const reloaded = service.reload();
    await expect.poll(() => states(service)).toMatchObject({ endless: 'LOADING' });
    rmSync(file);
    await service.reload();
    await reloaded;
    expect(states(service)).toEqual({ 'trial-1': 'READY' });
    write();
    const again = service.reload();
    await expect.poll(() => states(service)).toMatchObject({ endless: 'LOADING' });
    await service.close();
    await again;
  });

  it('starts beside a damaged model, and follows the others', async () => {
    const folder = temporaryFolder();
    writeFrontier(folder, greyNetworks.slice(0, 1));
    writeFileSync(join(folder, 'bad.onnx'), 'no model');
    writeFileSync(join(folder, 'closed.onnx'), tinyNetwork(greyNetwork({ name: 'x', filters: 0 })));
    const service = await serviceOf(folder);
    expect(states(service)).toEqual({ bad: 'UNAVAILABLE', closed: 'UNAVAILABLE', 'trial-1': 'READY' });
    writeNetwork(folder, greyNetworks[1]);
    await service.reload();
    expect(served(service)).toEqual(['trial-1', 'trial-2']);
    rmSync(join(folder, 'trial-1.onnx'));
    await service.reload();
    expect(served(service)).toEqual(['trial-2']);
  });

  it('is not ready while it drains, answers accepted requests when closed, then none', async () => {
    const folder = temporaryFolder();
    writeFrontier(folder, greyNetworks.slice(0, 1));
    const service = await serviceOf(folder);
    expect(service.isReady).toBe(true);
    service.drain();
    expect(service.isReady).toBe(false);
    const last = classify(service);
    const closed = service.close();
    expect((await last).model.name).toBe('trial-1');
    await closed;
    await expect(classify(service)).rejects.toThrow(NotAnswered);
  });

  it('reads once for all reloads that are requested before it starts', async () => {
    const folder = temporaryFolder();
    writeFrontier(folder, greyNetworks.slice(0, 1));
    let reads = 0;
    const service = await serviceOf(folder, {
      read: () => {
        reads++;
        return readFrontier(folder);
      },
    });
    reads = 0;
    await Promise.all(Array.from({ length: 20 }, () => service.reload()));
    expect(reads).toBe(1);
  });

  it('loses no request while models are loaded, unloaded and replaced', async () => {
    const changes = 10;
    const folder = temporaryFolder();
    const random = new Random(1, 'changes');
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
      }
    };
    const clients = Array.from({ length: 8 }, load);
    const change: readonly (() => Promise<void>)[] = [
      () => service.reload(),
      () => service.unload('trial-1'),
      () => service.load('trial-1'),
      () => service.unload('trial-2'),
      () => service.load('trial-2'),
      () => {
        writeNetwork(folder, greyNetwork({ name: 'trial-1', depth: random.int(3) }));
        return service.reload();
      },
    ];
    for (let i = 0; i < changes; i++)
      await random
        .pick(change)()
        .catch((error: unknown) => {
          // The last model cannot be unloaded.
          expect(String(error)).toContain('is the last one');
        });
    isChanging = false;
    await Promise.all(clients);
    expect(answered).toBeGreaterThan(changes);
  }, 600_000);
});
