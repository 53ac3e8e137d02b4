/** Every method, route, content type and size, against a server with a heap of 256 MiB. */
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { start } from '../cli/start.js';
import { temporaryFolder } from '../support/temporary.js';
import { greyNetworks, writeFrontier } from './models.js';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'];
const unknown = [
  '/',
  '/x',
  '//v2',
  '/v2/',
  '/%',
  '/v2/models/nothing',
  `/${'x'.repeat(8000)}`,
  '/v1/classify?network=x',
];
const types = [
  undefined,
  'application/json',
  'application/octet-stream',
  'text/plain',
  'image/png',
  'multipart/form-data',
  'multipart/form-data; boundary=x',
  'application/x-www-form-urlencoded',
  'no type at all',
];

interface Body {
  readonly fields: readonly string[];
  readonly bytes: Uint8Array;
}

const withLength = (bytes: Uint8Array, ...more: readonly string[]): Body => ({
  fields: [`Content-Length: ${bytes.length}`, ...more],
  bytes,
});
const brackets = (count: number): Uint8Array => Buffer.from('['.repeat(count / 2) + ']'.repeat(count / 2));
const large = 16 << 20;

const bodies: readonly Body[] = [
  { fields: [], bytes: Buffer.alloc(0) },
  withLength(Buffer.from('{}')),
  withLength(brackets(1 << 16)),
  withLength(gzipSync(Buffer.alloc(large)), 'Content-Encoding: gzip'),
  { fields: ['Transfer-Encoding: chunked'], bytes: Buffer.from('1\r\n[\r\n'.repeat(4000)) },
  withLength(brackets(large)),
];

/** The status of the answer; 0: the server closes the connection without one. */
const knock = (port: number, request: readonly Uint8Array[]): Promise<number> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let status = 0;
    socket.on('error', () => undefined).on('close', () => resolve(status));
    socket.on('data', (answer: Buffer) => {
      status ||= Number(/^HTTP\/1\.1 (\d+)/.exec(answer.toString('latin1'))?.[1]);
      if (status === 100) status = 0;
      else socket.destroy();
    });
    for (const part of request) socket.write(part);
  });

it('every door of a server holds at a heap of 256 MiB, and those of a path cost less than half a second together', async () => {
  const folder = temporaryFolder();
  writeFrontier(folder, greyNetworks.slice(0, 1));
  const args = ['serve', folder, '--port', '0', '--workers', '1', '--log', 'error', '--drain-ms', '0'];
  const server = start(args, folder, { NODE_OPTIONS: '--max-old-space-size=256' });
  const url = await server.address;
  const port = Number(new URL(url).port);
  const described = (await (await fetch(`${url}/openapi.json`)).json()) as { readonly paths: object };
  const known = Object.keys(described.paths).map((path) => path.replace(/\{(\w+)\}/g, 'frontier'));
  expect(known.length).toBeGreaterThan(12);
  const metric = async (name: string): Promise<number> =>
    Number(new RegExp(`^${name} (\\S+)`, 'm').exec(await (await fetch(`${url}/metrics`)).text())?.[1]);

  let next = 0;
  for (const body of bodies)
    for (const path of [...known, ...unknown]) {
      const before = await metric('process_cpu_seconds_total');
      // Refused by the same code for all methods: one of them does for 16 MiB.
      const knocks = (body.bytes.length < large ? methods : ['POST']).map(async (method) => {
        const type = types[next++ % types.length];
        const fields = [...body.fields, ...(type === undefined ? [] : [`Content-Type: ${type}`])];
        const head = [`${method} ${path} HTTP/1.1`, 'Host: localhost', ...fields, '', ''].join('\r\n');
        const status = await knock(port, [Buffer.from(head), body.bytes]);
        expect(status, `${method} ${path} ${fields.join()}`).toSatisfy((one: number) => one < 500 || one >= 503);
      });
      await Promise.all(knocks);
      // Of the processor, as other programs delay what the clock says.
      const seconds = (await metric('process_cpu_seconds_total')) - before;
      expect(seconds, `${path} ${body.fields.join()}`).toBeLessThan(0.5);
    }
  await expect.poll(() => metric('nas_requests_inside')).toBe(0);
  const headers = { 'inference-header-content-length': '0', 'x-budget-ms': '60000' };
  const tensor = { method: 'POST', body: new Uint8Array(784), headers };
  expect((await fetch(`${url}/v2/models/frontier/infer`, tensor)).status).toBe(200);
  expect(server.text()).not.toContain('"level":50');
}, 600_000);
