import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Admission } from '../../serve/http/admission.js';
import { createApp } from '../../serve/http/app.js';
import { createMetrics } from '../../serve/http/metrics.js';
import { createDecoder } from '../../serve/images/decoder.js';
import { openPool } from '../../serve/inference/open-pool.js';
import type { InferencePool } from '../../serve/inference/pool.js';
import { Shares } from '../../serve/shares.js';
import { Turns } from '../../serve/turns.js';
import { limits, openAccess, serviceOf } from './http/server.js';
import { blackPng, picture } from './images/pictures.js';
import { colourNetworks, writeFrontier } from './models.js';
import { sharedFolder } from '../support/temporary.js';

const image = [32, 32, 3] as const;
const bodyBytes = 1 << 18;
const requestMs = 400;
/** Repetitions; NAS_TEST_REPEAT sets more. */
const times = Number(process.env['NAS_TEST_REPEAT'] ?? 1);
const files = await Promise.all([
  picture({ width: 40, height: 30 }).jpeg().toBuffer(),
  picture({ width: 40, height: 30 }).jpeg({ progressive: true }).toBuffer(),
  picture({ width: 30, height: 40, channels: 4 }).png().toBuffer(),
  picture({ width: 33, height: 33 }).webp().toBuffer(),
  picture({ width: 33, height: 33, channels: 4 }).webp({ lossless: true }).toBuffer(),
]);

interface Asked {
  readonly path: string;
  readonly body: Uint8Array | string;
  readonly headers?: Record<string, string>;
}

const classify = (body: Asked['body'], headers?: Asked['headers']): Asked => ({ path: '/v1/classify', body, headers });
const infer = (body: Asked['body'], headers?: Asked['headers']): Asked => ({
  path: '/v2/models/frontier/infer',
  body,
  headers,
});

const file = fc.constantFrom(...files);
const bytes = fc.uint8Array({ maxLength: 2000 });

/** An image with changed bytes, missing bytes, or the end of another image. */
const damaged = fc.oneof(
  fc
    .tuple(file, fc.array(fc.tuple(fc.nat(5000), fc.nat(255)), { minLength: 1, maxLength: 20 }))
    .map(([whole, changes]) => {
      const copy = Uint8Array.from(whole);
      for (const [at, byte] of changes) copy[at % copy.length] = byte;
      return copy;
    }),
  fc.tuple(file, fc.nat(5000)).map(([whole, end]) => whole.subarray(0, end % whole.length)),
  fc.tuple(file, fc.nat(5000), fc.nat(99)).map(([whole, at, count]) => {
    const start = at % whole.length;
    return Buffer.concat([whole.subarray(0, start), whole.subarray(start + count)]);
  }),
  fc
    .tuple(file, file, fc.nat(5000))
    .map(([one, other, at]) => Buffer.concat([one.subarray(0, at % one.length), other.subarray(at % other.length)])),
  fc.tuple(file, bytes).map(([whole, rest]) => Buffer.concat([whole.subarray(0, 12), rest])),
);

/** Parts of forms in any order. */
const form = fc
  .array(
    fc.oneof(
      fc.constantFrom('--x', '--x--', '\r\n', '\n', '\r\n\r\n', 'Content-Type: image/png\r\n', 'Content-Length: 7\r\n'),
      fc.constantFrom(...['a', '__proto__', 'é', '"'].map((name) => `Content-Disposition: form-data; name="${name}"`)),
      fc.constant('\r\nContent-Disposition: form-data; name="a"; filename="../../a"\r\n\r\n'),
      file,
      bytes,
    ),
    { maxLength: 12 },
  )
  .map((pieces) => Buffer.concat(pieces.map((piece) => Buffer.from(piece))));

/** Arbitrary JSON with parts of requests of the Open Inference Protocol. */
const anything = fc.jsonValue({ maxDepth: 2 });
const either = (right: unknown, ...others: readonly unknown[]): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(right) }, fc.constantFrom(...others), anything);
const inferRequest = fc.record(
  {
    id: either('a', 1),
    parameters: either({}, { budget_ms: -1 }, { timeout: 'soon' }, { binary_data_output: true }),
    inputs: fc.array(
      fc.record(
        {
          name: either('input', 'image', 'output', ''),
          datatype: either('FP32', 'UINT8', 'BYTES', 'fp32'),
          shape: either([1, ...image], [0, ...image], [1e9, ...image], [-1, ...image], [1, 3, 32, 32], [1.5], []),
          data: either([0], new Array<number>(3072).fill(7), [[[Infinity]]], ['0'], [null]),
          parameters: either({}, { binary_data_size: 12288 }, { binary_data_size: -4 }, { shared_memory_region: 'a' }),
        },
        { requiredKeys: [] },
      ),
      { maxLength: 2 },
    ),
    outputs: either([], [{ name: 'outputs' }], [{ name: 'x' }], [{ name: 'outputs', parameters: { binary_data: 1 } }]),
  },
  { requiredKeys: [] },
);

/** Seven kinds of NaN, infinities and extreme numbers. */
const odd = Float32Array.of(NaN, Infinity, -Infinity, 3.4e38, -3.4e38, 1e-45, -0);

/** Collects twice, because finalizers release memory in the first pass. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  await setImmediate();
  collect();
}

describe('A server of networks', { timeout: 600_000 * times }, () => {
  const folder = sharedFolder();
  const mistakes: string[] = [];
  let pool: InferencePool;
  let app: FastifyInstance;
  let server: string;

  beforeAll(async () => {
    const frontier = writeFrontier(folder, colourNetworks);
    pool = await openPool({ frontier, workers: 'inline', maxQueue: 100, maxBatch: 4 });
    const context = {
      service: serviceOf(pool),
      decoder: createDecoder({ parallel: 2, maxPixels: 1e6 }),
      metrics: createMetrics(),
      limits: { ...limits, bodyBytes, images: 4, requestMs },
      memory: new Shares(1 << 26),
      turns: new Turns(),
      log: pino({ level: 'error' }, { write: (line) => mistakes.push(line) }),
    };
    app = await createApp({ admission: new Admission(context), access: openAccess });
    server = await app.listen({ host: '127.0.0.1', port: 0 });
  });

  afterAll(async () => {
    await app.close();
    await pool.close();
  });

  afterEach(async () => {
    // The server still answers, logged no error, and holds none of the sent bytes.
    expect((await ask(classify(files[0]))).status).toBe(200);
    expect(mistakes).toEqual([]);
    await expect.poll(async () => (await fetch(`${server}/metrics`)).text()).toMatch(/^nas_requests_inside 0$/m);
  });

  async function ask({ path, body, headers = {} }: Asked): Promise<{ status: number; answer: string }> {
    const response = await fetch(`${server}${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : new Uint8Array(body),
      headers: { 'x-budget-ms': '60000', 'content-type': 'application/octet-stream', ...headers },
    });
    return { status: response.status, answer: await response.text() };
  }

  /** Every answer is a correct result or a client error with its reason. */
  async function expectAnswer(asked: Asked): Promise<void> {
    const { status, answer } = await ask(asked);
    if (status === 200) return;
    expect(status >= 400 && status < 500, `${status} ${answer}`).toBe(true);
    expect(JSON.parse(answer)).toEqual({ error: expect.stringMatching(/^.{10,1000}$/s) as string });
  }

  it('answers random bytes and damaged images', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 1, arbitrary: bytes }, { weight: 9, arbitrary: damaged }), (body) =>
        expectAnswer(classify(body)),
      ),
      { numRuns: 60 * times },
    );
  });

  it('answers forms of arbitrary parts, also with a wrong boundary', async () => {
    const boundary = fc.constantFrom('; boundary=x', '; boundary="x"', '; boundary=y', '; boundary=', '');
    await fc.assert(
      fc.asyncProperty(form, boundary, (body, end) =>
        expectAnswer(classify(body, { 'content-type': `multipart/form-data${end}` })),
      ),
      { numRuns: 60 * times },
    );
  });

  it('answers tensors in arbitrary JSON, with any shape and any numbers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(inferRequest, anything), (request) => expectAnswer(infer(JSON.stringify(request)))),
      { numRuns: 120 * times },
    );
  });

  it('answers tensors in bytes with wrong lengths', async () => {
    const lengths = fc.constantFrom('0', '1', '-1', '1e3', '99999999999999999999', 'NaN', '');
    await fc.assert(
      fc.asyncProperty(inferRequest, bytes, fc.option(lengths), (request, rest, lie) => {
        const json = Buffer.from(JSON.stringify(request));
        const length = lie ?? `${json.length}`;
        return expectAnswer(infer(Buffer.concat([json, rest]), { 'inference-header-content-length': length }));
      }),
      { numRuns: 80 * times },
    );
  });

  it('answers tensors of NaN, infinities and extreme numbers', async () => {
    for (const [i, value] of odd.entries()) {
      const values = new Float32Array(3072).fill(value, 0, 1 + 400 * i);
      await expectAnswer(infer(new Uint8Array(values.buffer), { 'inference-header-content-length': '0' }));
    }
  });

  it('recognises decompression bombs by their headers', async () => {
    expect(await ask(classify(blackPng(50_000, 50_000, 1)))).toMatchObject({
      status: 413,
      answer: expect.stringContaining('50000 x 50000 pixels') as string,
    });
    expect(await ask(classify(blackPng(1000, 1000)))).toMatchObject({ status: 200 });
  });

  it.each(['/models/', '/v2/models/', '/v2/repository/models/', '/'])('sends no files below %s', async (path) => {
    const step = fc.constantFrom(
      '..',
      '%2e%2e',
      '..%2f',
      '%2F',
      '%5c',
      '/',
      '\\',
      '%00',
      '%',
      '.',
      'etc',
      'passwd',
      'é',
    );
    const address = fc.array(step, { minLength: 1, maxLength: 8 }).map((steps) => steps.join('/'));
    await fc.assert(
      fc.asyncProperty(address, fc.constantFrom('GET', 'HEAD', 'POST', 'DELETE'), async (rest, method) => {
        const answer = await exchange(
          `${method} ${path}${encodeURI(rest).replaceAll('%25', '%')} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
        );
        expect(answer).toMatch(/^HTTP\/1.1 4\d\d /);
      }),
      { numRuns: 12 * times },
    );
  });

  const open = async (): Promise<Socket> => {
    const socket = connect(Number(new URL(server).port), '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };

  /** Sends raw bytes and returns everything until the server closes the connection. */
  async function exchange(sent: string | Uint8Array): Promise<string> {
    const socket = await open();
    // Errors of writing after the server closed the connection.
    socket.on('error', () => undefined);
    socket.write(sent);
    return text(socket).catch(() => '');
  }

  const head = 'POST /v1/classify HTTP/1.1\r\nHost: localhost\r\n';
  it.each<[string, string, RegExp]>([
    [
      'a body that is shorter than it says',
      `${head}Content-Length: 100\r\n\r\nshort`,
      /^HTTP\/1.1 408 [^]*did not arrive within 400 ms/,
    ],
    ['a chunk that never comes', `${head}Transfer-Encoding: chunked\r\n\r\n10\r\n`, /^HTTP\/1.1 408 /],
    ['a chunk of no size', `${head}Transfer-Encoding: chunked\r\n\r\nmuch\r\n`, /^HTTP\/1.1 400 /],
    ['headers that do not end', `${head}X: `, /^HTTP\/1.1 408 /],
    ['two lengths', `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`, /^HTTP\/1.1 400 /],
    [
      'a length and chunks',
      `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      /^HTTP\/1.1 400 /,
    ],
    ['a length below zero', `${head}Content-Length: -1\r\n\r\n`, /^HTTP\/1.1 400 /],
    ['a length beyond all', `${head}Content-Length: 999999999999999\r\n\r\n`, /^HTTP\/1.1 413 /],
    ['long headers', `${head}X: ${'x'.repeat(99_999)}\r\n\r\n`, /^HTTP\/1.1 431 /],
    ['no HTTP', 'hello\r\n\r\n', /^HTTP\/1.1 400 /],
    ['another protocol', '\x16\x03\x01\x02\x00\x01\x00', /^HTTP\/1.1 400 /],
  ])('refuses %s and closes the connection', async (_, sent, answer) => {
    expect(await exchange(sent)).toMatch(answer);
  });

  it('closes connections that send random bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1 }), async (sent) => {
        expect(await exchange(sent)).toMatch(/^(HTTP\/1.1 4\d\d |$)/);
      }),
      { numRuns: 20 * times },
    );
  });

  it('disconnects a client that trickles bytes', async () => {
    const socket = await open();
    socket.on('error', () => undefined);
    socket.write(`${head}Content-Length: 100\r\n\r\n`);
    const dripping = setInterval(() => socket.write('x'), requestMs / 10);
    const answer = await text(socket).catch(() => '');
    clearInterval(dripping);
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
  });

  it('drops requests of clients that disconnect, also with half-closed connections', async () => {
    const socket = await open();
    socket.end(Buffer.concat([Buffer.from(`${head}Content-Length: ${files[0].length}\r\n\r\n`), files[0]]));
    expect(await text(socket)).toBe('');
    for (let i = 0; i < 50; i++) {
      const leaving = await open();
      leaving.write(Buffer.concat([Buffer.from(`${head}Content-Length: ${files[0].length}\r\n\r\n`), files[0]]));
      leaving.destroy();
    }
  });

  it('releases the memory of 800 requests', async () => {
    const values = new Uint8Array(3072 * 4);
    const kinds: readonly Asked[] = [
      ...files.map((whole) => classify(whole)),
      classify(files[0].subarray(0, 200)),
      classify(blackPng(50_000, 50_000, 1)),
      classify('no image'),
      classify(Buffer.from(`--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\nhalf`), {
        'content-type': 'multipart/form-data; boundary=x',
      }),
      infer(values, { 'inference-header-content-length': '0' }),
      infer(values.subarray(1), { 'inference-header-content-length': '0' }),
    ];
    const held = async (requests: number): Promise<{ heap: number; all: number }> => {
      for (let i = 0; i < requests; i += kinds.length) await Promise.all(kinds.map(ask));
      await collectGarbage();
      const { heapUsed, external, rss } = process.memoryUsage();
      return { heap: (heapUsed + external) / 1e6, all: rss / 1e6 };
    };
    const before = await held(400);
    const after = await held(800);
    expect(after.heap - before.heap).toBeLessThan(2);
    expect(after.all - before.all).toBeLessThan(100);
  });
});
