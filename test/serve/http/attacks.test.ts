/** What a client may send without taking the server from the others. Each test uses real sockets. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createDecoder } from '../../../serve/images/decoder.js';
import { Turns } from '../../../serve/turns.js';
import { picture } from '../images/pictures.js';
import { greyService, noDecoder, serviceOf, startServer, testServer } from './server.js';
import { exchange, headersOf, open, statusIn, inferPath, rawImage, rawRequest } from './wire.js';
import { Gate } from '../../../runner/jobs/supervision.js';

describe('bodies', () => {
  const begin = (length: number): string =>
    `POST ${inferPath} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n`;

  it('that do not end have a bound together; what is above it is refused before it arrives', async () => {
    const { url, metric } = await startServer(greyService(), { memoryBytes: 4 << 20 });
    const attackers = await Promise.all(Array.from({ length: 3 }, () => open(url)));
    for (const socket of attackers) socket.write(begin(1 << 20));
    await expect.poll(() => metric('nas_requests_inside')).toMatchObject([{ value: 3 }]);
    // The next one takes the place of the one from which least has come.
    const more = await open(url);
    attackers.push(more);
    for (const socket of attackers.slice(1, 3)) socket.write(new Uint8Array(5000));
    more.write(begin(1 << 20));
    expect(await statusIn(attackers[0])).toBe(503);
    await expect.poll(() => metric('nas_requests_inside')).toMatchObject([{ value: 3 }]);
    // Another client still finds room, and so does the same one afterwards.
    const other = await open(url, '127.0.0.2');
    other.write(rawRequest);
    expect(await statusIn(other)).toBe(200);
    for (const socket of attackers) socket.destroy();
    await expect.poll(async () => (await fetch(`${url}${inferPath}`, rawImage)).status).toBe(200);
  });

  it('count as large as they may become when they are compressed or have no length', async () => {
    const { url } = await startServer(greyService(), { memoryBytes: 2 << 20 });
    const head = `POST ${inferPath} HTTP/1.1\r\nHost: localhost\r\n`;
    const [chunked, zipped] = [await open(url), await open(url)];
    chunked.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
    zipped.write(`${head}Content-Encoding: gzip\r\nContent-Length: 2000\r\n\r\n`);
    expect(await statusIn(chunked)).toBe(503);
  });
});

describe('JSON', () => {
  const deep = (levels: number): string => `${'['.repeat(levels)}0${']'.repeat(levels)}`;
  const nested: readonly (readonly [what: string, body: string])[] = [
    ['data', `{"inputs":[{"name":"input","shape":[1,28,28,1],"datatype":"FP32","data":${deep(200_000)}}]}`],
    ['datatype', `{"inputs":[{"name":"input","shape":[1,28,28,1],"datatype":${deep(200_000)},"data":[0]}]}`],
    ['budget_ms', `{"parameters":{"budget_ms":${deep(200_000)}},"inputs":[]}`],
  ];
  const many: readonly (readonly [what: string, values: string])[] = [
    ['objects', '{},'.repeat(100)],
    ['arrays', '[],'.repeat(70_000)],
    ['texts', '"",'.repeat(2000)],
  ];

  it('that is nested deep or has many parts is refused before it is parsed, which would block the server', async () => {
    const { url, log } = await startServer(greyService());
    const send = async (body: string): Promise<readonly unknown[]> => {
      const answer = await fetch(`${url}${inferPath}`, { method: 'POST', body });
      const json: unknown = await answer.json();
      return [answer.status, json];
    };
    for (const [what, body] of nested)
      expect(await send(body), what).toEqual([
        400,
        { error: 'the JSON has more than 16 levels. Send the tensor as bytes.' },
      ]);
    for (const [what, values] of many)
      expect(await send(`{"inputs":[{"name":"input","data":[${values}0]}]}`)).toEqual([
        400,
        { error: expect.stringMatching(`more than \\d+ ${what}`) as string },
      ]);
    expect(log).toEqual([]);
  });

  it('is cut before it is shown, and may have brackets in texts', async () => {
    const url = await testServer(greyService());
    const datatype = Array.from({ length: 300 }, () => [[['x'.repeat(9)]]]);
    const body = JSON.stringify({ inputs: [{ name: 'input', shape: [1], datatype, data: [] }] });
    const answer = await fetch(`${url}${inferPath}`, { method: 'POST', body });
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { error: string }).error).toMatch(
      /^inputs\[0\]\.datatype is \[\[\[\["xxx.{50,60}\.\.\. It must/,
    );
    const brackets = JSON.stringify({ id: '\\"[[[['.repeat(40), inputs: [] });
    expect(await (await fetch(`${url}${inferPath}`, { method: 'POST', body: brackets })).json()).toMatchObject({
      error: expect.stringMatching(/^there are 0 inputs/) as string,
    });
  });
});

describe('a client with many requests', () => {
  it('waits for itself while another client is answered', async () => {
    const waiting: (() => void)[] = [];
    const { pool } = greyService();
    const run: typeof pool.run = async (inputs, options) => {
      if (options.client === '127.0.0.1') await new Promise<void>((resolve) => waiting.push(resolve));
      return pool.run(inputs, options);
    };
    const { url } = await startServer(serviceOf({ ...pool, run }));
    const light = await open(url, '127.0.0.2');
    const heavy = await Promise.all(Array.from({ length: 30 }, () => open(url)));
    light.write(rawRequest);
    expect(await statusIn(light)).toBe(200);
    for (const socket of heavy) socket.write(rawRequest);
    await expect.poll(() => waiting.length).toBe(4);
    light.write(rawRequest);
    expect(await statusIn(light)).toBe(200);
    const answers = heavy.map(statusIn);
    const going = setInterval(() => {
      for (const go of waiting.splice(0)) go();
    }, 5);
    onTestFinished(() => clearInterval(going));
    expect(new Set(await Promise.all(answers))).toEqual(new Set([200]));
  });
});

it('an image is refused for its header before the rest of it arrives', async () => {
  const decoder = createDecoder({ parallel: 1, maxPixels: 1e6 });
  const { url } = await startServer(greyService(), { decoder });
  const file = await picture({ width: 1100, height: 1000, channels: 1 }).png().toBuffer();
  const socket = await open(url);
  const head = `POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 900000\r\n\r\n`;
  socket.write(Buffer.concat([Buffer.from(head), file.subarray(0, 1000)]));
  expect(await statusIn(socket)).toBe(413);
  await once(socket, 'close');
});

describe('requests', () => {
  it('that do not arrive in time are counted as 408', async () => {
    const { url, metric } = await startServer(greyService(), { limits: { requestMs: 200 } });
    const socket = await open(url);
    socket.write(headersOf(inferPath));
    await once(socket, 'data');
    await expect
      .poll(async () => (await metric('nas_requests_total')).map(({ labels }) => labels.status))
      .toEqual(['408']);
  });

  it('that are hopeless are refused before their bodies arrive', async () => {
    const url = await testServer(greyService({ expectedMs: () => 5000 }));
    const head = Buffer.from(headersOf(inferPath)).toString().replace('Host', 'x-budget-ms: 100\r\nHost');
    expect(await exchange(url, Buffer.from(head))).toMatchObject({ status: 503 });
  });

  it.each([
    ['priority', { parameters: { priority: 1 } }],
    ['sequence_id', { parameters: { sequence_id: 7, sequence_start: true } }],
    ['raw', { raw: true }],
  ])('with %s, which is not supported, are refused by its name', async (name, fields) => {
    const url = await testServer(greyService());
    const inputs = [{ name: 'image', shape: [1, 28, 28, 1], datatype: 'UINT8', data: new Array(784).fill(0) }];
    const answer = await fetch(`${url}${inferPath}`, { method: 'POST', body: JSON.stringify({ inputs, ...fields }) });
    const { error } = (await answer.json()) as { error: string };
    expect([answer.status, error]).toEqual([400, expect.stringContaining(`"${name}" in the request`)]);
    expect(error).toContain('is not supported');
  });

  it('of images may be compressed, forms may not', async () => {
    const seen: Uint8Array[] = [];
    const url = await testServer(greyService(), {
      decoder: {
        ...noDecoder,
        decode: (file) => (seen.push(file), Promise.resolve(new Uint8Array(784))),
      },
    });
    const classify = (type: string, body: Uint8Array<ArrayBuffer>) =>
      fetch(`${url}/v1/classify`, {
        method: 'POST',
        body,
        headers: { 'content-type': type, 'content-encoding': 'gzip' },
      });
    const body = new Uint8Array(gzipSync(Buffer.from('an image')));
    expect((await classify('image/png', body)).status).toBe(200);
    expect(seen.map((file) => Buffer.from(file).toString())).toEqual(['an image']);
    expect((await classify('multipart/form-data; boundary=x', body)).status).toBe(415);
    expect((await classify('image/png', new Uint8Array(gzipSync(Buffer.alloc(2 << 20))))).status).toBe(413);
  });
});

describe('forms', () => {
  const part = '--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n';
  it.each([
    ['too many parts', 413, `${part}\r\n\r\n`.repeat(200)],
    ['a part whose headers do not end', 400, `${part.slice(0, -3)}${'a'.repeat(10_000)}`],
    ['a part that is no file', 400, '--x\r\nContent-Disposition: form-data; name="image"\r\n\r\n'],
  ])('with %s are refused before the rest of them arrives', async (_, status, start) => {
    const { url } = await startServer(greyService());
    const socket = await open(url);
    const fields = 'Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 900000';
    socket.write(`POST /v1/classify HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n\r\n${start}`);
    expect(await statusIn(socket)).toBe(status);
    await once(socket, 'close');
  });

  it('of clients that left are not decoded', async () => {
    const left = new Gate();
    /** The turn comes when the client has left. */
    class LateTurns extends Turns {
      override run<T>(client: string, work: () => T | Promise<T>): Promise<T> {
        return left.opened.then(() => super.run(client, work));
      }
    }
    let decoded = 0;
    const decode = (): Promise<Uint8Array> => {
      decoded++;
      return Promise.resolve(new Uint8Array(784));
    };
    const { url, metric } = await startServer(greyService(), {
      decoder: { ...noDecoder, decode },
      turns: new LateTurns(),
    });
    const form = Buffer.from(`${part}\r\nan image\r\n--x--\r\n`);
    const fields = `Content-Type: multipart/form-data; boundary=x\r\nContent-Length: ${form.length}`;
    const socket = await open(url);
    socket.write(`POST /v1/classify HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n\r\n${form.toString()}`);
    await expect.poll(() => metric('nas_requests_inside')).toMatchObject([{ value: 1 }]);
    socket.destroy();
    await expect.poll(() => metric('nas_requests_inside')).toMatchObject([{ value: 0 }]);
    left.open();
    // The same form of a client that stays is decoded.
    const type = { 'content-type': 'multipart/form-data; boundary=x' };
    expect((await fetch(`${url}/v1/classify`, { method: 'POST', body: form, headers: type })).status).toBe(200);
    expect(decoded).toBe(1);
  });
});

it('an answer that nobody reads loses its connection to a request that needs its memory', async () => {
  const { pool } = greyService();
  // Too long for the buffers of a socket.
  const classes = Array.from({ length: 1000 }, (_, i) => `${'a long name of a class '.repeat(400)}${i}`);
  const model = { ...pool.frontier.choice[0], classes };
  const run: typeof pool.run = (inputs) =>
    Promise.resolve(
      inputs.map(() => ({ model, outputs: new Float32Array(1000), batch: 1, queuedMs: 0, computedMs: 1 })),
    );
  const one = { ...pool, models: [{ ...pool.models[0], model }], frontier: { models: [model], choice: [model] }, run };
  const decoder = { ...noDecoder, decode: () => Promise.resolve(new Uint8Array(784)) };
  // Three answers of 256 kB are a client's share of it.
  const { url, metric } = await startServer(serviceOf(one), { decoder, memoryBytes: 1 << 20 });
  const ask = async (): Promise<Socket> => {
    const socket = await open(url);
    const fields = 'Host: localhost\r\nContent-Length: 8';
    socket.pause().write(`POST /v1/classify?top=1000 HTTP/1.1\r\n${fields}\r\n\r\nan image`);
    return socket;
  };
  const unread: Socket[] = [];
  for (let i = 1; i <= 3; i++) {
    unread.push(await ask());
    await expect.poll(() => metric('nas_requests_inside')).toMatchObject([{ value: i }]);
  }
  const fourth = await ask();
  fourth.resume();
  expect(await statusIn(fourth)).toBe(200);
  const [first] = unread;
  first.resume().on('error', () => undefined);
  await once(first, 'close');
  expect(first.bytesRead).toBeLessThan(9e6);
});
