import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { Store } from '../../../store/index.js';
import { writeCache } from '../../../trainers/data/cache.js';
import { writeExampleRun } from '../../ui/browser/example-run.js';
import { temporaryFolder } from '../../support/temporary.js';
import { addFound } from '../../support/found-images.js';
import { testApp } from './server.js';

const token = 'a token';
const local = { host: '127.0.0.1:6060' };

it('images that a network takes for other classes are shown to browsers with the token, and no others', async () => {
  const folder = temporaryFolder();
  await writeExampleRun(join(folder, 'run'), 'run', { trials: 12 });
  const directory = join(folder, 'cache');
  mkdirSync(directory);
  const pixels = Uint8Array.from({ length: 3 * 4 * 4 }, (_, i) => 5 * i);
  await writeCache(directory, {
    kind: 'pixels',
    name: 'tiny',
    fingerprint: 'tiny',
    classes: ['shirt', 'bag'],
    height: 4,
    width: 4,
    channels: 1,
    count: 3,
    async *read() {
      yield await Promise.resolve({ pixels, labels: [0, 1, 0], split: null });
    },
  });
  const store = Store.open(join(folder, 'run', 'nas.sqlite'));
  const wrong = { directory, images: [{ row: 2, path: 'shirt/2.png', actual: 0, predicted: 1, probability: 0.93 }] };
  store.classResults.add(3, {
    stage: 'final',
    precision: 'fp32',
    split: 'test',
    classes: ['shirt', 'bag'],
    details: {
      type: 'classification',
      confusion: [
        [1, 1],
        [0, 1],
      ],
      calibrationError: 0,
      wrong,
    },
  });
  expect(store.classResults.of(3).at(-1)?.details).toMatchObject({ type: 'classification', wrong });
  store.close();

  const app = await testApp(folder, { imageToken: token });
  const bearer = { ...local, authorization: `Bearer ${token}` };
  const get = (path: string, headers: Readonly<Record<string, string>> = bearer) =>
    app.inject({ url: `/api/runs/run/${path}`, headers });
  expect((await get('trials/3')).json()).toMatchObject({ trial: { classes: { wrong } } });
  const shown = await get('wrong/3/fp32/2');
  expect([shown.statusCode, shown.headers['content-type']]).toEqual([200, 'image/webp']);
  const { data, info } = await sharp(shown.rawPayload).raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([4, 4]);
  expect(Math.abs(data[0] - pixels[32])).toBeLessThan(16);
  expect((await get('wrong/3/fp32/2', local)).statusCode).toBe(403);
  for (const other of ['3/fp32/1', '3/int8/2', '4/fp32/2', '3/fp32/99999'])
    expect([other, (await get(`wrong/${other}`)).statusCode]).toEqual([other, 404]);
  rmSync(directory, { recursive: true });
  expect((await get('wrong/3/fp32/2')).statusCode).toBe(410);
  const none = await testApp(folder);
  expect((await none.inject({ url: '/api/runs/run/wrong/3/fp32/2', headers: bearer })).statusCode).toBe(403);
});

it.each([
  ['boxes', 'detection', [384, 192]],
  ['masks', 'segmentation', [384, 384]],
] as const)('images are shown with their %s', async (kind, task, size) => {
  const folder = temporaryFolder();
  await writeExampleRun(join(folder, 'run'), 'run', { trials: 12 });
  const { seen } = await addFound(kind, join(folder, 'run'), 3);
  const app = await testApp(folder, { imageToken: token });
  const headers = { ...local, authorization: `Bearer ${token}` };
  const get = (path: string) => app.inject({ url: `/api/runs/run/${path}`, headers });
  expect((await get('trials/3')).json()).toMatchObject({ trial: { classes: { task, seen } } });
  const shown = await get('wrong/3/fp32/0');
  expect([shown.statusCode, shown.headers['content-type']]).toEqual([200, 'image/webp']);
  const { width, height } = await sharp(shown.rawPayload).metadata();
  expect([width, height]).toEqual(size);
  expect((await get('wrong/3/fp32/1')).statusCode).toBe(404);
  rmSync(join(folder, 'run', kind), { recursive: true });
  expect((await get('wrong/3/fp32/0')).statusCode).toBe(410);
});
