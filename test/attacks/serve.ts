/** Attacks on the server of networks. */
import { rmSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { jpegOfScans } from '../serve/images/pictures.js';
import { colourNetwork, endlessNetwork, greyNetwork } from '../serve/models.js';
import type { Attack, Target } from './types.js';

const localAddress = '127.0.0.2';
const imagesOf = ({ images = '/v1/classify' }: Target): string => images;
const infer = '/v2/models/frontier/infer';

function post(
  { port }: Target,
  path: string,
  body: Uint8Array,
  headers: Record<string, string | number>,
  from = localAddress,
): Promise<void> {
  return new Promise((resolve) => {
    const sent = httpRequest({
      port,
      path,
      method: 'POST',
      localAddress: from,
      agent,
      headers: { 'content-length': body.length, ...headers },
    });
    sent.on('response', (response) => response.resume().on('close', resolve));
    sent.on('error', () => setTimeout(resolve, 10));
    sent.end(body);
  });
}

const agent = new Agent({ keepAlive: true, maxSockets: Infinity });

/** So many clients, each of which sends one request after the other. */
const clients = (count: number, ask: (index: number) => Promise<void>): Promise<unknown> =>
  Promise.all(
    Array.from({ length: count }, async (_, index) => {
      for (;;) await ask(index);
    }),
  );

const open = ({ port }: Target, from = localAddress): Socket =>
  connect({ port, host: '127.0.0.1', localAddress: from }).on('error', () => undefined);

/** One of many addresses of this machine, in subnets of 200. */
const address = (i: number): string => `127.0.${20 + Math.floor(i / 200)}.${1 + (i % 200)}`;

/** Opens connections that write these bytes and read no answer, each again a second after it ends. */
const unread = (target: Target, count: number, bytes: Uint8Array, from: (i: number) => string): Promise<unknown> =>
  clients(count, async (index) => {
    const socket = open(target, from(index));
    socket.pause().write(bytes);
    await new Promise((resolve) => socket.on('close', resolve));
    await sleep(1000);
  });

const head = (method: string, path: string, ...fields: readonly string[]): Buffer =>
  Buffer.from([`${method} ${path} HTTP/1.1`, 'Host: localhost', ...fields, '', ''].join('\r\n'));

const large = (): Sharp =>
  sharp({ create: { width: 7000, height: 7000, channels: 3, background: 'teal' } }).toColourspace('rgb16');

function formOf(files: readonly Uint8Array[]): Buffer {
  const parts = files.flatMap((file) => [
    Buffer.from('--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'),
    file,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...parts, Buffer.from('--x--\r\n')]);
}

/** As many large images as a body can have. */
export const largeForm = async (): Promise<Buffer> =>
  formOf(new Array<Uint8Array>(36).fill(await large().png({ compressionLevel: 9 }).toBuffer()));

const tinyForm = async (): Promise<Buffer> => {
  const tiny = await sharp({ create: { width: 1, height: 1, channels: 3, background: 'teal' } })
    .png()
    .toBuffer();
  return formOf(new Array<Uint8Array>(64).fill(tiny));
};

/** A request with a form of 64 images of one pixel. */
const tinyFormRequest = async (path: string): Promise<Buffer> => {
  const body = await tinyForm();
  const fields = ['Content-Type: multipart/form-data; boundary=x', `Content-Length: ${body.length}`];
  return Buffer.concat([head('POST', path, 'x-budget-ms: 60000', ...fields), body]);
};

const thousandAddresses = '1100 silent addresses';

const sizes = [32, 96, 160].map((size, i) =>
  colourNetwork({ name: `trial-${i}`, size: [size, size, 3], accuracy: 0.6 + i / 10 }),
);
const thousandClasses = greyNetwork({
  name: 'trial-1',
  classes: Array.from({ length: 1000 }, (_, i) => `class number ${i}`),
});

const attacks: Readonly<Record<string, Attack['run']>> = {
  'forms of 36 large images': async (target) => {
    const form = await largeForm();
    const headers = { 'content-type': 'multipart/form-data; boundary=x', 'x-budget-ms': 60_000 };
    await clients(2, () => post(target, imagesOf(target), form, headers));
  },
  'interlaced large images': async (target) => {
    const file = await large().png({ progressive: true }).toBuffer();
    for (const budget of [100, 60_000])
      void clients(4, () => post(target, imagesOf(target), file, { 'x-budget-ms': budget }));
    await sleep(1e9);
  },
  'bodies without their last byte': async (target) => {
    const length = 16 << 20;
    const head = `POST ${infer} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n`;
    await clients(100, async () => {
      const socket = open(target);
      socket.write(head);
      socket.write(Buffer.alloc(length - 1));
      await new Promise((resolve) => socket.on('close', resolve).resume());
    });
  },
  '1100 silent connections': async (target) => {
    await clients(1100, async () => {
      const socket = open(target);
      socket.write('GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await new Promise((resolve) => socket.on('close', resolve).resume());
      await sleep(100);
    });
  },
  'a flood of 500 connections': async (target) => {
    const headers = { 'inference-header-content-length': 0 };
    await clients(500, () => post(target, infer, new Uint8Array(784), headers));
  },
  'deep and wide JSON': async (target) => {
    const deep = Buffer.from(`{"inputs":[{"data":${'['.repeat(200_000)}${']'.repeat(200_000)}}]}`);
    const wide = Buffer.from(`{"inputs":[{"data":[${'{},'.repeat(2_700_000)}{}]}]}`);
    for (const body of [deep, wide]) void clients(2, () => post(target, infer, body, {}));
    await sleep(1e9);
  },
  'compressed bodies': async (target) => {
    const body = gzipSync(Buffer.alloc((16 << 20) - 10), { level: 9 });
    const headers = { 'content-encoding': 'gzip', 'x-budget-ms': 60_000 };
    for (const path of [infer, imagesOf(target)])
      void clients(32, (i) => post(target, path, body, headers, address(i)));
    await sleep(1e9);
  },
  'slow headers': async (target) => {
    await clients(300, async () => {
      const socket = open(target);
      socket.write(`POST ${infer} HTTP/1.1\r\nHost: localhost\r\nX-Slow: `);
      const drops = setInterval(() => socket.write('x'), 500);
      await new Promise((resolve) => socket.on('close', resolve).resume());
      clearInterval(drops);
    });
  },
  'brackets to a route that does not exist': async (target) => {
    const body = Buffer.from('['.repeat(8e6) + ']'.repeat(8e6));
    const fields = ['Content-Type: application/json', `Content-Length: ${body.length}`];
    const request = Buffer.concat([head('PUT', '/x', ...fields), body]);
    await unread(target, 16, request, address);
  },
  'bodies in pieces of one byte': async (target) => {
    const pieces = Buffer.from('1\r\n[\r\n'.repeat(1 << 16));
    await unread(target, 4, Buffer.concat([head('POST', infer, 'Transfer-Encoding: chunked'), pieces]), address);
  },
  'headers whose bodies do not come': (target) => {
    const request = head('POST', imagesOf(target), 'Content-Length: 125', 'Expect: 100-continue', 'x-budget-ms: 60000');
    return unread(target, 900, request, (i) => address(i >> 2));
  },
  'answers that nobody reads': async (target) => {
    await unread(target, 64, Buffer.concat(new Array<Buffer>(5000).fill(head('GET', '/openapi.json'))), address);
  },
  [thousandAddresses]: async (target) => {
    await unread(target, 1100, head('GET', '/v2/health/live'), address);
  },
  'JPEGs of three scans': async (target) => {
    const file = jpegOfScans(6900, 6900);
    await clients(4, () => post(target, imagesOf(target), file, { 'x-budget-ms': 60_000 }));
  },
  'forms of clients that leave': async (target) => {
    const request = await tinyFormRequest(imagesOf(target));
    const last = request.length - 1;
    for (;;) {
      const sockets = Array.from({ length: 320 }, (_, i) => open(target, address(i % 80)));
      for (const socket of sockets) socket.write(request.subarray(0, last));
      await sleep(500);
      for (const socket of sockets) socket.write(request.subarray(last));
      await sleep(600);
      for (const socket of sockets) socket.destroy();
      await sleep(1500);
    }
  },
  'forms whose answers nobody reads': async (target) => {
    await unread(target, 320, await tinyFormRequest(`${imagesOf(target)}?top=1000`), (i) => address(i >> 2));
  },
  'forms of 100,000 parts': async (target) => {
    const part = '--x\r\nContent-Disposition: form-data; name="i"; filename="a"\r\n';
    const parts = Buffer.from(`${`${part}\r\n\r\n`.repeat(100_000)}--x--\r\n`);
    const longHeader = Buffer.from(`${part.slice(0, -3)}${'f'.repeat(15e6)}"\r\n\r\nx\r\n--x--\r\n`);
    const headers = { 'content-type': 'multipart/form-data; boundary=x', 'x-budget-ms': 60_000 };
    await clients(4, (i) => post(target, imagesOf(target), i % 2 === 0 ? parts : longHeader, headers, address(i)));
  },
  'pipelined images': async (target) => {
    const file = await sharp({ create: { width: 28, height: 28, channels: 3, background: 'teal' } })
      .png()
      .toBuffer();
    const request = Buffer.concat([head('POST', imagesOf(target), `Content-Length: ${file.length}`), file]);
    await clients(4, async (i) => {
      const socket = open(target, address(i));
      socket.write(Buffer.concat(new Array<Buffer>(10_000).fill(request)));
      await new Promise((resolve) => socket.on('close', resolve).resume());
    });
  },
  'names of 15,000 letters': async (target) => {
    const path = `${imagesOf(target)}?network=${'x'.repeat(15_000)}`;
    await clients(16, async () => {
      await post(target, path, new Uint8Array(100), {});
      await sleep(200);
    });
  },
  'models that hang or are damaged': async ({ folder }) => {
    const [endless, damaged] = ['endless.onnx', 'damaged.onnx'].map((name) => join(folder, name));
    writeFileSync(endless, endlessNetwork(greyNetwork({ name: 'endless' })));
    writeFileSync(damaged, 'no model');
    process.on('SIGTERM', () => {
      for (const file of [endless, damaged]) rmSync(file, { force: true });
      process.exit();
    });
    await sleep(1e9);
  },
};

const tensorsOfAnotherSize = (budget: number): Attack => ({
  kind: 'serve',
  networks: sizes,
  run: async (target) => {
    const shape = [64, 160, 160, 3];
    const bytes = Buffer.alloc(
      shape.reduce((a, b) => a * b),
      77,
    );
    const parameters = { binary_data_size: bytes.length };
    const json = Buffer.from(JSON.stringify({ inputs: [{ name: 'image', shape, datatype: 'UINT8', parameters }] }));
    const headers = { 'inference-header-content-length': json.length, 'x-budget-ms': budget };
    await clients(4, (i) => post(target, infer, Buffer.concat([json, bytes]), headers, address(i)));
  },
});

/** Attacks with images meet a detector, too: it renders in another way, and keeps what it needs to give boxes back. */
const onDetector = [
  'forms of 36 large images',
  'interlaced large images',
  'headers whose bodies do not come',
  'JPEGs of three scans',
  'forms of clients that leave',
  'forms whose answers nobody reads',
  'forms of 100,000 parts',
  'pipelined images',
];

export const serveAttacks: Readonly<Record<string, Attack>> = {
  ...Object.fromEntries(
    Object.entries(attacks).map(([name, run]): [string, Attack] => [
      name,
      { kind: 'serve', run, isFromThousand: name === thousandAddresses },
    ]),
  ),
  'forms whose answers nobody reads': {
    kind: 'serve',
    networks: [thousandClasses],
    run: attacks['forms whose answers nobody reads'],
  },
  'tensors of another size, hopeless': tensorsOfAnotherSize(0.01),
  'tensors of another size': tensorsOfAnotherSize(60_000),
  ...Object.fromEntries(
    onDetector.map((name): [string, Attack] => [
      `${name}, to a detector`,
      { kind: 'serve', detects: true, run: attacks[name] },
    ]),
  ),
};
