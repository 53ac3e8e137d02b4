/** Attacks on a server, each from one address, until it is told to stop. Run by test/serve-attacks.ts in a process of its own. */
import { rmSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { jpegOfScans } from '../images/pictures.js';
import { endlessNetwork, greyNetwork } from '../models.js';

export interface Target {
  readonly port: number;
  /** The watched folder of the server's models. */
  readonly models: string;
}

type Attack = (target: Target) => Promise<void>;

const localAddress = '127.0.0.2';
const infer = '/v2/models/frontier/infer';

function post(
  { port }: Target,
  path: string,
  body: Uint8Array,
  headers: Record<string, string | number>,
): Promise<void> {
  return new Promise((resolve) => {
    const sent = httpRequest({
      port,
      path,
      method: 'POST',
      localAddress,
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
const clients = (count: number, ask: () => Promise<void>): Promise<unknown> =>
  Promise.all(
    Array.from({ length: count }, async () => {
      for (;;) await ask();
    }),
  );

const open = ({ port }: Target, from = localAddress): Socket =>
  connect({ port, host: '127.0.0.1', localAddress: from }).on('error', () => undefined);

/** One of many addresses of this machine, in subnets of 200. */
const address = (i: number): string => `127.0.${20 + Math.floor(i / 200)}.${1 + (i % 200)}`;

/** Opens connections that write these bytes and read no answer, each again when it ends. */
const unread = (target: Target, count: number, bytes: Uint8Array, from: (i: number) => string): Promise<unknown> => {
  let next = 0;
  return clients(count, async () => {
    const socket = open(target, from(next++ % count));
    socket.pause().write(bytes);
    await new Promise((resolve) => socket.on('close', resolve));
    await sleep(100);
  });
};

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

export const attacks: Readonly<Record<string, Attack>> = {
  'forms of 36 large images': async (target) => {
    const form = await largeForm();
    const headers = { 'content-type': 'multipart/form-data; boundary=x', 'x-budget-ms': 60_000 };
    await clients(2, () => post(target, '/v1/classify', form, headers));
  },
  'interlaced large images': async (target) => {
    const file = await large().png({ progressive: true }).toBuffer();
    for (const budget of [100, 60_000])
      void clients(4, () => post(target, '/v1/classify', file, { 'x-budget-ms': budget }));
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
    const body = gzipSync(Buffer.alloc(16 << 20));
    await clients(20, () => post(target, infer, body, { 'content-encoding': 'gzip' }));
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
  'headers whose bodies do not come, from 225 addresses': (target) => {
    const request = head('POST', '/v1/classify', 'Content-Length: 125', 'Expect: 100-continue', 'x-budget-ms: 60000');
    return unread(target, 900, request, (i) => address(i >> 2)).then(() => undefined);
  },
  'answers that nobody reads': async (target) => {
    await unread(target, 64, Buffer.concat(new Array<Buffer>(5000).fill(head('GET', '/openapi.json'))), address);
  },
  '1100 silent addresses': async (target) => {
    await unread(target, 1100, head('GET', '/v2/health/live'), address);
  },
  'JPEGs of three scans': async (target) => {
    const file = jpegOfScans(6900, 6900);
    await clients(4, () => post(target, '/v1/classify', file, { 'x-budget-ms': 60_000 }));
  },
  'forms of clients that leave': async (target) => {
    const tiny = await sharp({ create: { width: 1, height: 1, channels: 3, background: 'teal' } })
      .png()
      .toBuffer();
    const body = formOf(new Array<Uint8Array>(64).fill(tiny));
    const fields = ['Content-Type: multipart/form-data; boundary=x', `Content-Length: ${body.length}`];
    const request = Buffer.concat([head('POST', '/v1/classify', 'x-budget-ms: 60000', ...fields), body]);
    let next = 0;
    await clients(320, async () => {
      const socket = open(target, address(next++ % 80));
      socket.write(request);
      await sleep(600);
      socket.destroy();
      await sleep(1500);
    });
  },
  'names of 15,000 letters': async (target) => {
    const path = `/v1/classify?network=${'x'.repeat(15_000)}`;
    await clients(16, async () => {
      await post(target, path, new Uint8Array(100), {});
      await sleep(200);
    });
  },
  'models that hang or are damaged': async ({ models }) => {
    const [endless, damaged] = ['endless.onnx', 'damaged.onnx'].map((name) => join(models, name));
    writeFileSync(endless, endlessNetwork(greyNetwork({ name: 'endless' })));
    writeFileSync(damaged, 'no model');
    process.on('SIGTERM', () => {
      for (const file of [endless, damaged]) rmSync(file, { force: true });
      process.exit();
    });
    await sleep(1e9);
  },
};
