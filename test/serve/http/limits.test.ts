import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Service } from '../../../serve/service.js';
import { greyService, serviceOf, startServer, testApp, testServer } from './server.js';
import { exchange, headersOf, open, inferPath, rawImage, rawRequest } from './wire.js';
import { Gate } from '../../../runner/jobs/supervision.js';

const held = (gate: Promise<unknown>): Service => {
  const service = greyService();
  const { pool } = service;
  const run: typeof pool.run = async (...args) => (await gate, pool.run(...args));
  return serviceOf({ ...pool, run });
};
/** Everything received until the other side closes the connection. */
async function readAll(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString('latin1');
  return text;
}

describe('slow requests', () => {
  const slow = { limits: { requestMs: 400 } };
  const refusal =
    /^HTTP\/1.1 408 Request Timeout\r\n[^]*\{"error":"the request did not arrive within 400 ms. Send it faster."\}$/;

  it('are disconnected while their headers trickle in', async () => {
    const socket = await open(await testServer(greyService(), slow));
    const drops = setInterval(() => socket.write('x'), 20);
    onTestFinished(() => clearInterval(drops));
    socket.write(`POST ${inferPath} HTTP/1.1\r\nHost: localhost\r\nX-Slow: `);
    expect(await readAll(socket)).toMatch(refusal);
  });

  it('are disconnected while their bodies trickle in, and free their place', async () => {
    const { url, metric } = await startServer(greyService(), slow);
    const socket = await open(url);
    const drops = setInterval(() => socket.write('x'), 20);
    onTestFinished(() => clearInterval(drops));
    socket.write(headersOf(inferPath));
    await expect.poll(() => metric('nas_requests_inside')).toEqual([{ labels: {}, value: 1 }]);
    expect(await readAll(socket)).toMatch(refusal);
    await expect.poll(() => metric('nas_requests_inside')).toEqual([{ labels: {}, value: 0 }]);
  });

  it('are not mistaken for requests that are being computed', async () => {
    const gate = new Gate();
    const { url } = await startServer(held(gate.opened), slow);
    const answer = fetch(`${url}${inferPath}`, rawImage);
    const idle = await open(url);
    // An idle connection is closed by then, so a request being computed would be cut as well.
    await readAll(idle);
    gate.open();
    expect((await answer).status).toBe(200);
  });
});

describe('malformed requests', () => {
  it('get an error', async () => {
    const socket = await open(await testServer(greyService()));
    socket.end('hello\r\n\r\n');
    expect(await readAll(socket)).toMatch(/^HTTP\/1.1 400 Bad Request\r\n[^]*\{"error":"this is no HTTP request."\}$/);
  });

  it('with headers of any length get an error', async () => {
    const socket = await open(await testServer(greyService()));
    socket.write(`GET /v2 HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(await readAll(socket)).toMatch(/^HTTP\/1.1 431 [^]*"error":"the headers are too long./);
  });
});

describe('a full server', () => {
  it('refuses before it reads a body, and accepts again after a request has ended', async () => {
    const waiting: (() => void)[] = [];
    const { pool } = greyService();
    const run: typeof pool.run = async (...args) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return pool.run(...args);
    };
    const { url, metric } = await startServer(serviceOf({ ...pool, run }), { limits: { inside: 4 } });
    const inside = [1, 2, 3].map(() => fetch(`${url}${inferPath}`, rawImage));
    await expect.poll(() => waiting.length).toBe(3);
    const refused = await exchange(url, headersOf(inferPath));
    expect([refused.status, refused.headers.get('retry-after'), refused.body.toString()]).toEqual([
      503,
      '1',
      '{"error":"the server has reached its limit of 4 requests, or the client its share: try again later"}',
    ]);
    // Cheap routes are still answered.
    expect((await fetch(`${url}/v2/health/ready`)).status).toBe(200);
    expect(await metric('nas_requests_inside')).toEqual([{ labels: {}, value: 3 }]);
    for (const go of waiting.splice(0)) go();
    expect((await Promise.all(inside)).map(({ status }) => status)).toEqual([200, 200, 200]);
    const again = fetch(`${url}${inferPath}`, rawImage);
    await expect.poll(() => waiting.length).toBe(1);
    waiting[0]();
    expect((await again).status).toBe(200);
  });

  it('replaces the longest silent connection of the client that has the most', async () => {
    const { url, metric } = await startServer(greyService(), { limits: { connections: 3 } });
    const own = await open(url, '127.0.0.2');
    const [first, second] = [await open(url), await open(url)];
    await expect.poll(() => metric('nas_connections')).toEqual([{ labels: {}, value: 3 }]);
    first.write('GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(first, 'data');
    await open(url);
    await expect.poll(() => second.closed).toBe(true);
    expect([own.closed, first.closed]).toEqual([false, false]);
    await expect.poll(() => metric('nas_connections')).toEqual([{ labels: {}, value: 3 }]);
  });

  it('replaces a request of a client with too many connections, not one of another client', async () => {
    const gate = new Gate();
    const { url, metric } = await startServer(held(gate.opened), { limits: { connections: 3 } });
    const heavy = [await open(url), await open(url), await open(url)];
    for (const socket of heavy) socket.write(rawRequest);
    await expect.poll(() => metric('nas_requests_inside')).toEqual([{ labels: {}, value: 3 }]);
    const light = await open(url, '127.0.0.2');
    light.write(rawRequest);
    await expect.poll(() => heavy.map(({ closed }) => closed)).toEqual([false, false, true]);
    gate.open();
    const [answer] = (await once(light, 'data')) as [Buffer];
    expect(answer.toString('latin1')).toMatch(/^HTTP\/1.1 200/);
  });
});

describe('a closing server', () => {
  it('answers accepted requests, also on open connections, with Connection: close', async () => {
    let isReady = true;
    const gate = new Gate();
    const service = held(gate.opened);
    const app = await testApp({
      ...service,
      get isReady() {
        return isReady;
      },
    });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const taken = fetch(`${url}${inferPath}`, rawImage);
    isReady = false;
    const probe = await fetch(`${url}/v2/health/ready`);
    expect([probe.status, probe.headers.get('connection')]).toEqual([503, 'close']);
    await expect.poll(() => app.server.listening).toBe(true);
    const closed = app.close();
    gate.open();
    expect((await taken).status).toBe(200);
    await closed;
    expect(app.server.listening).toBe(false);
  });
});
