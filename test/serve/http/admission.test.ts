/** Who gets a place, memory and a connection, when clients take as many as they can. Each test uses real sockets. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { greyService, serviceOf, startServer, testServer, token } from './server.js';
import { exchange, open, statusIn, inferPath, rawImage, rawRequest } from './wire.js';

const opened = async (url: string, addresses: readonly string[]): Promise<Socket[]> => {
  const sockets: Socket[] = [];
  // One after the other, as the order decides.
  for (const address of addresses) sockets.push(await open(url, address));
  return sockets;
};

const head = (method: string, where: string, fields: string): string =>
  `${method} ${where} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n\r\n`;

const live = head('GET', '/v2/health/live', 'Accept: */*');

describe('a body', () => {
  it('is not read where no route takes it', async () => {
    const url = await testServer(greyService());
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'POST', 'GET'])
      for (const where of method === 'POST' ? ['/x', '/v2'] : [inferPath, '/x', '/v2'])
        for (const body of ['Content-Length: 900000', 'Transfer-Encoding: chunked']) {
          const request = head(method, where, `Content-Type: application/json\r\n${body}`);
          const { status, headers } = await exchange(url, Buffer.from(`${request}4\r\n[[[[\r\n`));
          const expected = method === 'GET' && where === '/v2' ? 200 : 404;
          expect([method, where, status, headers.get('connection')]).toEqual([method, where, expected, 'close']);
        }
  });

  it('in pieces of one byte is refused after a few of them', async () => {
    const url = await testServer(greyService());
    for (const where of [inferPath, '/v1/classify', '/v2/repository/index']) {
      const socket = await open(url);
      socket.write(head('POST', where, 'Transfer-Encoding: chunked'));
      socket.write('1\r\n[\r\n'.repeat(10_000));
      expect([where, await statusIn(socket)]).toEqual([where, 400]);
      await once(socket.resume(), 'close');
    }
  });

  it('in pieces of any size arrives whole', async () => {
    const url = await testServer(greyService());
    const socket = await open(url);
    const body = JSON.stringify({
      inputs: [
        {
          name: 'image',
          shape: [1, 28, 28, 1],
          datatype: 'UINT8',
          data: Array.from({ length: 784 }, (_, i) => i % 256),
        },
      ],
    });
    socket.write(head('POST', inferPath, 'Transfer-Encoding: chunked'));
    for (let at = 0, size = 1; at < body.length; at += size, size = 1 + ((size * 7) % 50)) {
      const piece = body.slice(at, at + size);
      socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    }
    socket.write('0\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    // First, last and largest number of the image.
    expect(answer.toString()).toMatch(/^HTTP\/1.1 200 [^]*"data":\[0,15,255\]/);
  });
});

describe('a place', () => {
  it('goes to a request that is there, not to headers whose bodies do not come', async () => {
    const { url, metric } = await startServer(greyService(), { limits: { inside: 8 } });
    const waiting = await opened(
      url,
      [1, 2, 3, 4, 5, 6, 7].map((i) => `127.0.1.${i}`),
    );
    for (const socket of waiting)
      socket.write(head('POST', '/v1/classify', 'Content-Length: 125\r\nExpect: 100-continue'));
    for (const socket of waiting) expect(await statusIn(socket)).toBe(100);
    const inside = async () => (await metric('nas_requests_inside'))[0].value;
    expect(await inside()).toBeGreaterThan(4);
    for (let i = 0; i < 5; i++) expect((await fetch(`${url}${inferPath}`, rawImage)).status).toBe(200);
    const places = await inside();
    for (const socket of waiting) socket.destroy();
    expect(places).toBeGreaterThan(2);
    await expect.poll(inside).toBe(0);
  });

  it('is not taken without the token', async () => {
    const { url, metric } = await startServer(greyService(), { access: { token }, limits: { inside: 4 } });
    const strangers = await opened(url, ['127.0.1.1', '127.0.1.2', '127.0.1.3']);
    for (const socket of strangers) {
      socket.write(head('POST', inferPath, 'Content-Length: 9000'));
      expect(await statusIn(socket)).toBe(401);
    }
    expect(await metric('nas_requests_inside')).toMatchObject([{ value: 0 }]);
    // Had they counted as clients, the own requests would have to wait for each other.
    const own = await opened(url, new Array<string>(3).fill('127.0.0.1'));
    for (const socket of own)
      socket.write(head('POST', inferPath, `Authorization: Bearer ${token}\r\nContent-Length: 900000`));
    await expect.poll(() => metric('nas_requests_inside')).toMatchObject([{ value: 3 }]);
  });
});

describe('a connection', () => {
  it('that sends many requests at once is closed, and none of them goes on', async () => {
    const { url, metric } = await startServer(greyService());
    for (const many of [rawRequest, Buffer.from(live), Buffer.from(head('GET', '/metrics', 'Accept: */*'))]) {
      const socket = await open(url);
      socket.write(Buffer.concat(new Array<Buffer>(2000).fill(many)));
      // It may be reset, which `once` would take for an error.
      await new Promise((resolve) => socket.on('close', resolve).resume());
    }
    await expect.poll(() => metric('nas_requests_inside')).toMatchObject([{ value: 0 }]);
    await expect.poll(() => metric('nas_connections')).toMatchObject([{ value: 0 }]);
    const counts = (await metric('nas_requests_total')).map(({ value }) => value);
    expect(counts.reduce((a, b) => a + b, 0)).toBeLessThan(100);
    expect((await fetch(`${url}${inferPath}`, rawImage)).status).toBe(200);
  });

  it('that sends a few requests at once gets their answers in order', async () => {
    const socket = await open(await testServer(greyService()));
    socket.write(`${live}${head('GET', '/v2', 'Accept: */*')}${live}`);
    let text = '';
    await expect
      .poll(() => ((text += String(socket.read() ?? '')), text.match(/"live"|"extensions"/g)))
      .toEqual(['"live"', '"extensions"', '"live"']);
  });

  it('of a new client is kept, although each of many addresses has one', async () => {
    const { url } = await startServer(greyService(), { limits: { connections: 64 } });
    const many = await opened(
      url,
      Array.from({ length: 64 }, (_, i) => `127.3.${i >> 4}.${1 + (i & 15)}`),
    );
    const fresh = await open(url, '127.0.0.5');
    fresh.write(live);
    expect(await statusIn(fresh)).toBe(200);
    // The one that is silent the longest in the largest neighbourhood.
    await expect.poll(() => many.map(({ closed }, i) => (closed ? i : -1)).filter((i) => i >= 0)).toEqual([0]);
    const more = await opened(
      url,
      Array.from({ length: 20 }, (_, i) => `127.4.${i}.1`),
    );
    fresh.write(live);
    expect(await statusIn(fresh)).toBe(200);
    expect(more.filter(({ closed }) => closed)).toEqual([]);
  });
});

describe('an answer', () => {
  it('takes memory until it is read, beside its body', async () => {
    const statusWith = async (memoryBytes: number): Promise<number> =>
      (await fetch(`${await testServer(greyService(), { memoryBytes })}${inferPath}`, rawImage)).status;
    expect([await statusWith(1200), await statusWith(2000)]).toEqual([503, 200]);
  });

  it('of numbers that JSON does not have is an error, and their bytes are sent', async () => {
    const { pool } = greyService();
    const run: typeof pool.run = async (...args) =>
      (await pool.run(...args)).map((answer) => ({ ...answer, outputs: Float32Array.of(1, NaN, Infinity) }));
    const url = await testServer(serviceOf({ ...pool, run }));
    expect((await fetch(`${url}${inferPath}`, rawImage)).status).toBe(200);
    const inputs = [{ name: 'image', shape: [1, 28, 28, 1], datatype: 'UINT8', data: new Array<number>(784).fill(0) }];
    const answer = await fetch(`${url}${inferPath}`, { method: 'POST', body: JSON.stringify({ inputs }) });
    expect([answer.status, await answer.json()]).toEqual([
      500,
      { error: expect.stringContaining('values that are not finite') as string },
    ]);
  });
});
