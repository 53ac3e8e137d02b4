import fc from 'fast-check';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { downloadPlain } from '../../../workers/artifacts/plain-download.js';
import { someBytes } from './describe-artifacts.js';
import { token } from './hosted.js';

/** A server that says to everybody what it is told to say, and what it was asked. */
async function saying(answer: (socket: Socket) => Promise<void>): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (data) => {
      asked.push(data.toString('latin1'));
      void answer(socket);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/below/`, asked };
}

/** The bytes that a download yields; null when it is left to Node's client. */
async function taken(
  url: string,
  { start, bytes, silenceMs = 5000 }: { start: number; bytes: number; silenceMs?: number },
) {
  const received = await downloadPlain({ url, token }, { path: '/file', start, bytes, silenceMs });
  if (received === null) return null;
  const pieces: Buffer[] = [];
  for await (const piece of received) {
    // Slower than what comes: nothing is overwritten that is still being taken.
    await setImmediate();
    pieces.push(Buffer.from(piece));
  }
  return Buffer.concat(pieces);
}

const headOf = (status: string, ...headers: string[]): string =>
  [`HTTP/1.1 ${status}`, ...headers, '', ''].join('\r\n');

it('what comes in whatever pieces is what was sent, and no more than was asked for', async () => {
  const content = someBytes(700_000);
  const cut = fc.double({ min: 0, max: 1, noNaN: true });
  await fc.assert(
    fc.asyncProperty(fc.array(cut, { maxLength: 6 }), fc.nat(699_999), fc.nat(20), async (cuts, start, excess) => {
      const range = `Content-Range: bytes ${start}-${content.length - 1}/${content.length}`;
      const head = headOf('206 Partial Content', `CONTENT-LENGTH:${content.length - start}`, range);
      const all = Buffer.concat([Buffer.from(head), content.subarray(start), Buffer.alloc(excess)]);
      // Half of the cuts are in the head.
      const at = cuts.map((share, i) => Math.floor(share * (i % 2 === 0 ? all.length : head.length)));
      const ends = [...at, all.length].sort((a, b) => a - b);
      const { url, asked } = await saying(async (socket) => {
        socket.setNoDelay();
        let from = 0;
        for (const end of ends) {
          socket.write(all.subarray(from, end));
          from = end;
          await setImmediate();
        }
      });
      const came = await taken(url, { start, bytes: content.length });
      expect(came?.equals(content.subarray(start))).toBe(true);
      expect(asked).toHaveLength(1);
      expect(asked[0]).toContain('GET /below/file HTTP/1.1\r\n');
      expect(asked[0]).toContain(`\r\nAuthorization: Bearer ${token}\r\n`);
      expect(asked[0].includes(`\r\nRange: bytes=${start}-\r\n`)).toBe(start > 0);
    }),
    { numRuns: 30 },
  );
});

const length = 'Content-Length: 1000';
const chunked = 'Transfer-Encoding: chunked';

it.each([
  ['an error', 0, headOf('404 Not Found', length)],
  ['another length', 0, headOf('200 OK', 'Content-Length: 999')],
  ['no length', 0, headOf('200 OK')],
  ['chunks', 0, headOf('200 OK', length, chunked)],
  ['compressed bytes', 0, headOf('200 OK', length, 'Content-Encoding: gzip')],
  ['all bytes instead of some', 10, headOf('200 OK', 'Content-Length: 990')],
  ['other bytes', 10, headOf('206 Partial Content', 'Content-Length: 990', 'Content-Range: bytes 0-989/1000')],
  ['something before the answer', 0, headOf('100 Continue') + headOf('200 OK', length)],
  ['no HTTP', 0, 'Hello\r\n\r\n'],
  ['a head without an end', 0, `HTTP/1.1 200 OK\r\n${'x'.repeat(20_000)}`],
])('leaves to others: %s', async (_, start, head) => {
  const { url } = await saying((socket) =>
    Promise.resolve(void socket.end(Buffer.concat([Buffer.from(head), someBytes(1000)]))),
  );
  expect(await taken(url, { start, bytes: 1000 })).toBeNull();
});

it('yields what came before the connection was closed, and fails when it is silent', async () => {
  const half = Buffer.concat([Buffer.from(headOf('200 OK', length)), someBytes(500)]);
  const closing = await saying((socket) => Promise.resolve(void socket.end(half)));
  expect(await taken(closing.url, { start: 0, bytes: 1000 })).toEqual(someBytes(500));
  const silent = await saying((socket) => Promise.resolve(void socket.write(half)));
  await expect(taken(silent.url, { start: 0, bytes: 1000, silenceMs: 50 })).rejects.toThrow('nothing came or went');
  const without = await saying((socket) => Promise.resolve(void socket.end('HTTP/1.1 200')));
  await expect(taken(without.url, { start: 0, bytes: 1000 })).rejects.toThrow('the connection was closed');
});
