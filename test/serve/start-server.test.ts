import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { RunningServer, ServerOptions } from '../../serve/start-server.js';
import { temporaryFolder } from '../support/temporary.js';
import { open, inferPath, rawImage, rawRequest } from './http/wire.js';
import { picture } from './images/pictures.js';
import { greyNetworks, pixelsOf, writeFrontier } from './models.js';
import { started } from './started.js';
import { Gate } from '../../runner/jobs/supervision.js';

function start(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const folder = temporaryFolder();
  writeFrontier(folder, greyNetworks.slice(0, 1));
  return started(folder, options);
}

const tensor = pixelsOf([28, 28, 1], 1);
const image = await picture({ width: 28, height: 28, channels: 1 }).png().toBuffer();
const headOf = (path: string, { length }: Uint8Array): string =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nInference-Header-Content-Length: 0\r\nContent-Length: ${length}\r\n\r\n`;

/** Status and Connection header of the next answer. */
async function nextAnswer(socket: Socket): Promise<readonly (string | undefined)[]> {
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return /^HTTP\/1\.1 (\d+)[^]*\r\nconnection: ([^\r]+)\r\n/i.exec(answer.toString('latin1'))?.slice(1) ?? [];
}

const infer = (address: string): Promise<Response> => fetch(new URL(inferPath, address), rawImage);
const readiness = async (address: string): Promise<number> =>
  (await fetch(new URL('/v2/health/ready', address))).status;

describe('startServer', () => {
  it('answers while it drains, closes connections, then ends', async () => {
    const { address, drained } = await start();
    const before = await infer(address);
    expect([before.status, before.headers.get('connection')]).toEqual([200, 'keep-alive']);
    const gone = drained(600);
    expect(await readiness(address)).toBe(503);
    const meanwhile = await infer(address);
    expect([meanwhile.status, meanwhile.headers.get('connection')]).toEqual([200, 'close']);
    await gone;
    await expect(infer(address)).rejects.toThrow();
  });

  it.each([
    ['a tensor', inferPath, tensor, '200'],
    ['an image', '/v1/classify', image, '200'],
    ['no image', '/v1/classify', tensor, '415'],
  ])('closes connections of requests that arrived before the drain: %s', async (_, where, body, status) => {
    const { address, drained, metrics } = await start();
    const socket = await open(address);
    socket.write(headOf(where, body));
    await expect.poll(() => metrics.registry.metrics(), { interval: 5 }).toMatch(/^nas_requests_inside 1$/m);
    const gone = drained(0);
    socket.write(body);
    expect(await nextAnswer(socket)).toEqual([status, 'close']);
    await gone;
  });

  it('answers requests that arrived while the draining server was busy', async () => {
    const { address, drained } = await start();
    const { hostname, port } = new URL(address);
    const kept = await open(address);
    kept.write(rawRequest);
    expect(await nextAnswer(kept)).toEqual(['200', 'keep-alive']);
    const gone = drained(20);
    const fresh = Array.from({ length: 8 }, () => connect(Number(port), hostname));
    // The clients connect before anything else happens.
    await new Promise((resolve) => process.nextTick(resolve));
    const answers = [kept, ...fresh].map((socket) => {
      socket.write(rawRequest);
      return nextAnswer(socket);
    });
    for (const end = performance.now() + 60; performance.now() < end;);
    expect(await Promise.all(answers)).toEqual(answers.map(() => ['200', 'close']));
    await gone;
  });

  it('answers accepted requests when closed at once, also when closed twice', async () => {
    const gate = new Gate();
    const server = await start();
    const slow = server.service.use(() => gate.opened);
    const answer = infer(server.address);
    await expect
      .poll(async () => server.metrics.registry.metrics(), { interval: 5 })
      .toMatch(/nas_answers_total.* 1$/m);
    let isClosed = false;
    const closed = Promise.all([server.close(), server.close(), server.drained(0)]).then(() => (isClosed = true));
    expect((await answer).status).toBe(200);
    expect(isClosed).toBe(false);
    gate.open();
    await slow;
    await closed;
  });

  it('requires a token if other machines can connect', async () => {
    await expect(start({ host: '0.0.0.0' })).rejects.toThrow('a server on 0.0.0.0 is reachable from other machines');
  });
});
