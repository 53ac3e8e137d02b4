/** Models in folders of versions, over real sockets. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Service } from '../../serve/service.js';
import { temporaryFolder } from '../support/temporary.js';
import { greyNetwork, writeNetwork } from './models.js';
import { started } from './started.js';
import { rawImage } from './http/wire.js';

/** Writes `<folder>/digits/<version>/model.onnx`. */
function write(folder: string, version: number, accuracy: number): void {
  const target = join(folder, 'digits', String(version));
  mkdirSync(target, { recursive: true });
  const { file } = writeNetwork(target, greyNetwork({ name: 'written', accuracy, depth: version }));
  renameSync(file, join(target, 'model.onnx'));
}

async function open(folder: string): Promise<{ readonly url: string; readonly service: Service }> {
  const server = await started(folder);
  return { url: server.address, service: server.service };
}

async function answerOf(url: string, path: string, init?: RequestInit): Promise<[number, Record<string, unknown>]> {
  const response = await fetch(`${url}/v2/models/${path}`, init);
  const text = await response.text();
  return [response.status, JSON.parse(text.slice(0, text.lastIndexOf('}') + 1)) as Record<string, unknown>];
}

const versionOf = async (url: string, path: string): Promise<unknown> =>
  (await answerOf(url, `${path}/infer`, rawImage))[1].model_version;

it('answers with the newest version, or as the request says; removing the newest one rolls back', async () => {
  const folder = temporaryFolder();
  write(folder, 2, 0.7);
  write(folder, 10, 0.6);
  const { url, service } = await open(folder);
  expect(service.index().map(({ name, version, state }) => [name, version, state])).toEqual([
    ['digits', 10, 'READY'],
    ['digits', 2, 'READY'],
  ]);
  expect((await answerOf(url, 'digits'))[1]).toMatchObject({
    versions: ['10', '2'],
    networks: [{ version: '10', accuracy: 0.6 }],
  });
  expect(await versionOf(url, 'digits')).toBe('10');
  expect(await versionOf(url, 'digits/versions/2')).toBe('2');
  expect((await answerOf(url, 'frontier'))[1]).toMatchObject({ networks: [{ version: '10' }] });
  expect(await answerOf(url, 'digits/versions/3/infer', rawImage)).toEqual([
    404,
    { error: 'there is no version "3" of digits. Its versions are 10, 2.' },
  ]);
  // A request in flight is answered by the version that it began with.
  let go = (): void => undefined;
  const begun = service.use(async (pool) => {
    await new Promise<void>((resolve) => (go = resolve));
    return pool.models[0].model.version;
  });
  rmSync(join(folder, 'digits', '10'), { recursive: true });
  await service.reload();
  expect(await versionOf(url, 'digits')).toBe('2');
  go();
  expect(await begun).toBe(10);
  expect((await answerOf(url, 'digits/versions/10/infer', rawImage))[0]).toBe(404);
});

it('goes on with the version before when the newest one is damaged', async () => {
  const folder = temporaryFolder();
  write(folder, 1, 0.7);
  mkdirSync(join(folder, 'digits', '2'));
  writeFileSync(join(folder, 'digits', '2', 'model.onnx'), 'no model');
  const { url, service } = await open(folder);
  expect(service.index()).toMatchObject([
    { version: 2, state: 'UNAVAILABLE' },
    { version: 1, state: 'READY' },
  ]);
  expect(await versionOf(url, 'digits')).toBe('1');
  expect((await answerOf(url, 'digits/versions/2/ready'))[0]).toBe(503);
});
