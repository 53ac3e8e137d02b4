import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { frontierFolder } from '../../runner/stored/workdir.js';
import { picture } from '../serve/images/pictures.js';
import { greyNetworks, tinyNetwork, writeFrontier, writeNetwork } from '../serve/models.js';
import { temporaryFolder } from '../support/temporary.js';
import { nasInside, expectRefusal } from './nas.js';
import { start } from './start.js';
import { storedRun } from './stored-run.js';

const jpeg = new Uint8Array(await picture({ width: 64, height: 48, channels: 3 }).jpeg().toBuffer());

/** A free port, and one batch size to measure. */
const quick = ['--port', '0', '--max-batch', '1'];

const classify = (address: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(new URL('/v1/classify', address), {
    method: 'POST',
    headers: { 'content-type': 'image/jpeg', 'x-budget-ms': '30000', ...headers },
    body: jpeg,
  });

const namesAt = async (address: string): Promise<unknown[]> => {
  const index = await fetch(new URL('/v2/repository/index', address), { method: 'POST', body: '{"ready":true}' });
  return ((await index.json()) as { name: string }[]).map(({ name }) => name);
};

const logged = (text: string): { readonly msg: string; readonly networks?: unknown }[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { msg: string });

/** Asks until an answer says to go elsewhere: how often there was an answer. */
async function askUntilSentAway(address: string): Promise<number> {
  for (let answers = 1; ; answers++) {
    await sleep(20);
    const response = await classify(address);
    expect([response.status, await response.json()]).toMatchObject([200, { results: [{ top: [{}, {}, {}] }] }]);
    if (response.headers.get('connection') === 'close') return answers;
  }
}

it('serves a folder and its later files; on SIGTERM it answers all accepted requests', async () => {
  const folder = temporaryFolder();
  writeFrontier(folder, greyNetworks.slice(0, 2));
  const { child, address, text, code } = start(['serve', folder, ...quick, '--drain-ms', '3000'], folder);
  const at = await address;
  const answer = await classify(at);
  expect([answer.status, await answer.json()]).toMatchObject([
    200,
    { results: [{ network: expect.stringMatching(/^trial-[12]$/) as string, batch: 1 }] },
  ]);

  writeNetwork(folder, greyNetworks[2]);
  child.kill('SIGHUP');
  await expect.poll(() => namesAt(at)).toEqual(['trial-1', 'trial-2', 'trial-3']);
  writeFileSync(join(folder, 'bad.onnx'), tinyNetwork(greyNetworks[0]).subarray(0, 50));
  child.kill('SIGHUP');
  await expect.poll(text).toMatch(/the model bad is unavailable: .*bad\.onnx is not an ONNX model/);
  await expect.poll(text).toMatch(/nothing has changed/);

  const clients = Promise.all(Array.from({ length: 4 }, () => askUntilSentAway(at)));
  await expect
    .poll(async () => (await fetch(new URL('/metrics', at))).text())
    .toMatch(/classify",status="200"\} [1-9]\d/);
  child.kill('SIGTERM');
  expect(Math.min(...(await clients))).toBeGreaterThan(1);
  expect((await fetch(new URL('/v2/health/ready', at))).status).toBe(503);
  expect(await code).toBe(0);
  expect(text()).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/m);
  expect(logged(text()).map(({ msg }) => msg)).toEqual([
    'serving',
    'serving',
    expect.stringMatching(/^the model bad is unavailable/),
    'nothing has changed',
    'ending: answering accepted requests',
    'ended: all accepted requests are answered',
  ]);
}, 120_000);

it("serves a run's frontier, and says as JSON what was measured; a second signal ends it at once", async () => {
  const folder = temporaryFolder();
  await storedRun(join(folder, 'run'), 2);
  const none = await nasInside(['serve', join(folder, 'run')]);
  await expectRefusal(none, 'has not written the models of its frontier yet');
  expect(none.err).toMatch(/nas export .*run --trial N --to onnx/);

  const models = join(folder, 'run', frontierFolder);
  mkdirSync(models, { recursive: true });
  writeFrontier(models, greyNetworks.slice(0, 1));
  const { child, text, code } = start(
    ['serve', 'run', ...quick, '--json', '--log', 'silent', '--drain-ms', '60000', '--workers', '1'],
    folder,
  );
  await expect.poll(text, { timeout: 30_000 }).toMatch(/\n\}\n$/);
  const said = JSON.parse(text()) as { readonly address: string };
  expect(said).toMatchObject({
    networks: [{ network: 'trial-1', accuracy: 0.6, precision: 'fp32', ms: { 1: expect.any(Number) as number } }],
  });
  child.kill('SIGINT');
  await expect.poll(async () => (await fetch(new URL('/v2/health/ready', said.address))).status).toBe(503);
  child.kill('SIGINT');
  expect(await code).toBe(130);
}, 60_000);

it('makes a token for an address that others can reach', async () => {
  const folder = temporaryFolder();
  const { file } = writeNetwork(folder, greyNetworks[0]);
  const { child, address, text, code } = start(
    ['serve', file, '--host', '0.0.0.0', ...quick, '--drain-ms', '0'],
    folder,
  );
  const at = (await address).replace('0.0.0.0', '127.0.0.1');
  await expect.poll(text).toMatch(/Authorization: Bearer \w+\n/);
  const [, token] = /Authorization: (Bearer \w+)\n/.exec(text()) ?? [];
  expect((await classify(at)).status).toBe(401);
  expect((await classify(at, { authorization: token })).status).toBe(200);
  expect((await fetch(new URL('/v2/health/live', at))).status).toBe(200);
  child.kill('SIGTERM');
  expect(await code).toBe(0);
}, 120_000);

it('says what is wrong with its options', async () => {
  const { file } = writeNetwork(temporaryFolder(), greyNetworks[0]);
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as { port: number };
  const refusals: readonly (readonly [args: readonly string[], message: string])[] = [
    [['--workers', '0'], '--workers 0: expected auto, inline, or a whole number from 1 to 1024'],
    [['--budget-ms', '0'], '--budget-ms 0: expected a whole number from 1 to 60000'],
    [['--max-queue', '1.5'], '--max-queue 1.5: expected a whole number'],
    [['--max-batch', '3'], 'the largest batch is 3, not a power of two'],
    [['--port', '70000'], '--port 70000: expected a whole number from 0 to 65535'],
    [['--otlp', 'http://127.0.0.1:4318'], '--otlp was removed: /metrics has the times'],
    [['--token-file', 'none'], 'the token file none cannot be read'],
    [['--grpc-port', '8081'], '--grpc-port was removed: use the Open Inference Protocol over HTTP'],
    [['--port', String(port)], `cannot listen on 127.0.0.1:${port}`],
  ];
  for (const [args, message] of refusals) {
    const err = await expectRefusal(nasInside(['serve', file, ...args]), message);
    // The port is taken before models are measured.
    expect(err).not.toContain('serving');
  }
});
