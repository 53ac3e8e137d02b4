import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDecoder, type Decoder } from '../../../../serve/images/decoder.js';
import { openPool } from '../../../../serve/inference/open-pool.js';
import type { InferencePool } from '../../../../serve/inference/pool.js';
import { renderingOf } from '../../../../serve/models/model.js';
import { picture } from '../../images/pictures.js';
import { colourNetwork, colourNetworks, frontierOf, writeNetwork } from '../../models.js';
import { outputsOf } from '../../reference.js';
import { serviceOf, testServer } from '../server.js';
import { sharedFolder } from '../../../support/temporary.js';
import { formOf, postImage } from './post.js';

const decoder = createDecoder({ parallel: 2, maxPixels: 1e6 });
const jpeg = await picture({ width: 64, height: 48 }).jpeg().toBuffer();
const png = await picture({ width: 40, height: 40, channels: 1 }).png().toBuffer();
const webp = await picture({ width: 35, height: 70, channels: 4 }).webp().toBuffer();

const slow = (ms: number): Decoder => ({ ...decoder, waitMs: () => ms });

interface Request {
  readonly body?: Uint8Array | FormData | string;
  readonly query?: string;
  readonly headers?: Record<string, string>;
}

const post = (server: string, { body, query = '', headers }: Request) =>
  postImage(`${server}/v1/classify${query}`, body, headers);

describe('POST /v1/classify', () => {
  const folder = sharedFolder();
  let pool: InferencePool;
  beforeAll(async () => {
    const silent = colourNetwork({ name: 'silent', normalisation: null });
    const frontier = frontierOf([...colourNetworks, silent].map((network) => writeNetwork(folder, network)));
    pool = await openPool({ frontier, workers: 'inline', maxQueue: 100, maxBatch: 4 });
  });
  afterAll(async () => {
    await pool.close();
  });

  const start = (options: Parameters<typeof testServer>[1] = {}): Promise<string> =>
    testServer(serviceOf(pool), { decoder, ...options });

  /** The result of the network's file alone for an image. */
  async function reference(file: Uint8Array, network: string): Promise<{ class: string; probability: number }[]> {
    const { model } = pool.models.find((pooled) => pooled.model.name === network) ?? expect.fail(network);
    const inTime = { deadline: Infinity, isGone: () => false, client: 'test' };
    const outputs = await outputsOf(model, await decoder.decode(file, { ...inTime, rendering: renderingOf(model) }));
    const weights = outputs.map(Math.exp);
    const total = weights.reduce((a, b) => a + b, 0);
    return Array.from(weights, (weight, i) => ({ class: model.classes[i], probability: weight / total })).sort(
      (a, b) => b.probability - a.probability,
    );
  }

  const near = (ranked: readonly { class: string; probability: number }[]): unknown =>
    ranked.map(({ class: name, probability }) => ({
      class: name,
      probability: expect.closeTo(probability, 5) as number,
    }));

  it.each([
    ['a JPEG', jpeg, 'image/jpeg'],
    ['a gray PNG', png, 'application/octet-stream'],
    ['a WebP with transparency, as curl --data-binary sends it', webp, 'application/x-www-form-urlencoded'],
  ])('classifies %s with the named network', async (_, file, type) => {
    const server = await start();
    for (const { name, accuracy } of pool.frontier.choice) {
      const { status, body } = await post(server, {
        body: file,
        query: `?network=${name}`,
        headers: { 'content-type': type },
      });
      expect({ status, body }).toEqual({
        status: 200,
        body: {
          results: [
            {
              top: near(await reference(file, name)),
              network: name,
              accuracy,
              ms: { queued: expect.any(Number) as number, computed: expect.any(Number) as number },
              batch: 1,
            },
          ],
        },
      });
    }
  });

  it('lets the scheduler choose the most accurate network that meets the deadline', async () => {
    const { body } = await post(await start(), { body: jpeg });
    expect(body).toMatchObject({ results: [{ network: 'trial-5', accuracy: 0.75 }] });
  });

  it('answers the images of a form in order', async () => {
    const files = [jpeg, png, webp, png, jpeg];
    const { status, body } = await post(await start(), { body: formOf(...files), query: '?network=trial-4&top=1' });
    const expected = await Promise.all(files.map(async (file) => (await reference(file, 'trial-4')).slice(0, 1)));
    expect(status).toBe(200);
    expect(body).toMatchObject({ results: expected.map((top) => ({ top: near(top) })) });
  });

  it('returns as many classes as the request says', async () => {
    const server = await start();
    for (const [query, count] of [
      ['?top=1', 1],
      ['?top=2', 2],
      ['?top=99', 3],
      ['', 3],
    ] as const) {
      const { body } = await post(server, { body: jpeg, query });
      expect((body as { results: { top: unknown[] }[] }).results[0].top).toHaveLength(count);
    }
  });

  const boundary = { 'content-type': 'multipart/form-data; boundary=x' };
  const part = 'Content-Disposition: form-data; name="image"; filename="a"';
  const refusals: readonly (readonly [what: string, request: Request, status: number, message: RegExp])[] = [
    ['no body', {}, 400, /the body is empty/],
    ['a body of no bytes', { body: '' }, 400, /the body is empty/],
    ['a GIF', { body: 'GIF89a' }, 415, /expected an image in JPEG, PNG or WebP, found 6 bytes/],
    ['half of a JPEG', { body: jpeg.subarray(0, jpeg.length / 2) }, 400, /the image is damaged/],
    ['no number of classes', { body: jpeg, query: '?top=some' }, 400, /top is "some". It must be the number/],
    ['no classes', { body: jpeg, query: '?top=0' }, 400, /top is "0"/],
    ['two numbers of classes', { body: jpeg, query: '?top=1&top=2' }, 400, /top is \["1","2"\]/],
    ['two networks', { body: jpeg, query: '?network=trial-4&network=trial-5' }, 400, /name of one network/],
    ['a network that is not there', { body: jpeg, query: '?network=trial-44' }, 404, /Did you mean trial-4\?/],
    ['a network of unknown normalisation', { body: jpeg, query: '?network=silent' }, 422, /silent cannot take images/],
    ['no budget', { body: jpeg, headers: { 'x-budget-ms': 'soon' } }, 400, /x-budget-ms is "soon"/],
    ['a form of nothing', { body: formOf() }, 400, /the form/],
    [
      'a form of fields',
      { body: '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--', headers: boundary },
      400,
      /a part of the form is not a file/,
    ],
    [
      'a form without a boundary',
      { body: 'x', headers: { 'content-type': 'multipart/form-data' } },
      400,
      /the form is damaged/,
    ],
    ['a form that ends early', { body: `--x\r\n${part}\r\n\r\nbytes`, headers: boundary }, 400, /the form is damaged/],
    [
      'a form with a part of endless headers',
      { body: `--x\r\n${part}${'x'.repeat(9000)}\r\n\r\nb\r\n--x--`, headers: boundary },
      400,
      /the form is damaged: the headers of a part do not end/,
    ],
    [
      'a form with a damaged image',
      { body: formOf(jpeg, png.subarray(0, 99), webp) },
      400,
      /image 2 of 3: the image is damaged/,
    ],
    [
      'a form with another format',
      { body: formOf(jpeg, Buffer.from('<svg/>')) },
      415,
      /image 2 of 2: expected an image/,
    ],
    ['a form of too many images', { body: formOf(...new Array<Uint8Array>(17).fill(png)) }, 413, /more than 16 images/],
    [
      'a form of too many bytes',
      { body: formOf(new Uint8Array(6e5), new Uint8Array(6e5)) },
      413,
      /more than 1048576 bytes/,
    ],
    ['too many bytes', { body: new Uint8Array(1.1e6) }, 413, /more than 1048576 bytes/],
  ];

  it('refuses what it cannot classify', async () => {
    const server = await start();
    for (const [what, request, status, message] of refusals)
      expect(await post(server, request), what).toMatchObject({
        status,
        body: { error: expect.stringMatching(message) as string },
      });
  });

  it('refuses a form of too many bytes without a length', async () => {
    const server = await start();
    const begin = Buffer.from(`--x\r\n${part}\r\n\r\n`);
    const half = new Array<Buffer>(8).fill(Buffer.alloc(1e5));
    const form = [begin, ...half, Buffer.from('\r\n'), begin, ...half, Buffer.from('\r\n--x--')];
    const request = httpRequest(`${server}/v1/classify`, { method: 'POST', headers: boundary });
    for (const chunk of form) request.write(chunk);
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(413);
    expect(await json(response)).toMatchObject({ error: expect.stringContaining('more than 1048576 bytes') as string });
  });

  it('refuses a hopeless request before its body arrives', async () => {
    const server = await start({ decoder: slow(5000) });
    const socket = connect(Number(new URL(server).port), '127.0.0.1');
    socket.write('POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nx-budget-ms: 3000\r\n\r\n');
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(bytes.toString()).toMatch(
      /^HTTP\/1.1 503 [^]*retry-after: [23]\r\n[^]*answer would be late: it would take 500\d ms/i,
    );
  });

  it('reports a passed deadline', async () => {
    const late: Decoder = { ...slow(0), decode: (file, options) => decoder.decode(file, { ...options, deadline: 0 }) };
    const { status } = await post(await start({ decoder: late }), { body: jpeg });
    expect(status).toBe(504);
  });

  it('drops the other images of a form after a refusal', async () => {
    const goneAfter: boolean[] = [];
    const watched: Decoder = {
      ...slow(0),
      decode: async (file, options) => {
        if (file.length > 10) {
          await expect.poll(options.isGone).toBe(true);
          goneAfter.push(true);
        }
        return decoder.decode(file, options);
      },
    };
    const answer = await post(await start({ decoder: watched }), { body: formOf(jpeg, Buffer.from('short'), png) });
    expect(answer.status).toBe(415);
    expect(goneAfter).toEqual([true, true]);
  });
});
