import fc from 'fast-check';
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { serveArtifacts } from '../../../workers/artifacts/server.js';
import { artifactOf, fileWith, someBytes } from './describe-artifacts.js';
import { serve, token } from './hosted.js';

interface Reply {
  readonly status: number;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A raw request; fetch would correct it. */
function ask(
  port: number,
  path: string,
  method = 'GET',
  headers: Record<string, string> = {},
  body = '',
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const all = { authorization: `Bearer ${token}`, ...headers };
    const asked = request({ host: '127.0.0.1', port, path, method, headers: all }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks), headers: answer.headers }),
      );
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

it('refuses requests without the token, from a page of a browser, or for another host name', async () => {
  const { hosted, server } = await serve();
  const { sha256 } = await hosted.put(fileWith(Buffer.from('content')));
  const path = `/v1/artifacts/${sha256}`;
  const status = async (method: string, headers: Record<string, string>): Promise<number> =>
    (await ask(server.port, path, method, headers)).status;
  for (const method of ['GET', 'HEAD', 'PUT']) {
    for (const authorization of ['', 'Bearer ', 'Bearer wrong', token, `Bearer ${token}x`])
      expect(await status(method, { authorization })).toBe(401);
    expect(await status(method, { origin: 'http://127.0.0.1' })).toBe(403);
    expect(await status(method, { host: 'elsewhere.example' })).toBe(403);
  }
  expect(await status('GET', {})).toBe(200);
  expect(await status('GET', { host: 'localhost:1' })).toBe(200);
  for (const method of ['POST', 'DELETE', 'PATCH', 'OPTIONS']) expect(await status(method, {})).toBe(404);
});

it('serves registered contents by hash, and no other file', async () => {
  const { server } = await serve();
  const parts = fc.oneof(fc.string(), fc.constantFrom('..', '%2e%2e', '%2f', '/', 'etc', 'passwd', 'a'.repeat(64)));
  await fc.assert(
    fc.asyncProperty(fc.array(parts, { maxLength: 6 }), async (texts) => {
      const path = `/v1/artifacts/${encodeURI(texts.join('/')).replace(/[^\x21-\x7e]/g, '')}`;
      for (const method of ['GET', 'HEAD'])
        expect([400, 404, 414]).toContain((await ask(server.port, path, method)).status);
    }),
    { numRuns: 60 },
  );
});

it('sends a content from the requested byte', async () => {
  const { hosted, server } = await serve();
  const bytes = someBytes(1000);
  const { sha256 } = await hosted.put(fileWith(bytes));
  const get = (range: string): Promise<Reply> => ask(server.port, `/v1/artifacts/${sha256}`, 'GET', { range });
  const rest = await get('bytes=100-');
  expect([rest.status, rest.headers['content-range']]).toEqual([206, 'bytes 100-999/1000']);
  expect(rest.body.equals(bytes.subarray(100))).toBe(true);
  expect((await get('bytes=1000-')).status).toBe(416);
  for (const other of ['bytes=5-1,7-9', 'bytes=-10', 'lines=3-'])
    expect((await get(other)).body.equals(bytes)).toBe(true);
});

it('rejects an upload whose hash is wrong, and writes to no path of the sender’s choice', async () => {
  const { server, uploads } = await serve();
  const content = Buffer.from('content');
  const { sha256 } = artifactOf(content);
  const put = (name: string, headers: Record<string, string>, body: string): Promise<Reply> =>
    ask(server.port, `/v1/artifacts/${name}`, 'PUT', { 'content-type': 'application/octet-stream', ...headers }, body);
  const whole = { 'upload-offset': '0', 'upload-length': '7' };
  expect((await put('..%2fescape', whole, 'content')).status).toBe(400);
  expect((await put(sha256, {}, 'content')).status).toBe(400);
  expect((await put(sha256, { ...whole, 'upload-length': '-7' }, 'content')).status).toBe(400);
  expect((await put(sha256, whole, 'contenX')).status).toBe(422);
  expect((await put(sha256, whole, 'content and more')).status).toBe(422);
  const half = await put(sha256, whole, 'con');
  expect([half.status, half.headers['upload-offset']]).toEqual([409, '3']);
  const early = await put(sha256, { ...whole, 'upload-offset': '5' }, 'nt');
  expect([early.status, early.headers['upload-offset']]).toEqual([409, '3']);
  expect((await put(sha256, { ...whole, 'upload-offset': '3' }, 'tent')).status).toBe(201);
  expect(readFileSync(join(uploads, sha256)).equals(content)).toBe(true);
});

it('removes unfinished uploads after a day, and uncollected ones after a week', async () => {
  const { hosted, uploads } = await serve();
  mkdirSync(uploads);
  const hour = 3600;
  const now = Date.now() / 1000;
  const files = { young: 23, old: 25 };
  for (const [i, hours] of Object.values(files).entries())
    for (const ending of ['', '.part']) {
      const file = join(uploads, `${String(i).repeat(64)}${ending}`);
      writeFileSync(file, 'x');
      utimesSync(file, now - hours * hour, now - hours * hour);
    }
  writeFileSync(join(uploads, 'something'), 'of others');
  utimesSync(join(uploads, 'something'), 0, 0);
  await hosted.expire(Date.now());
  const is = (name: string): boolean => existsSync(join(uploads, name));
  expect(is(`${'1'.repeat(64)}.part`)).toBe(false);
  for (const name of [`${'0'.repeat(64)}.part`, '0'.repeat(64), '1'.repeat(64), 'something'])
    expect(is(name)).toBe(true);
  await hosted.expire(Date.now() + 7 * 24 * hour * 1000);
  for (const name of ['0', '1']) expect(is(name.repeat(64))).toBe(false);
});

it('an address in use is an error that says what to change', async () => {
  const { hosted, server } = await serve();
  await expect(serveArtifacts(hosted, { host: '127.0.0.1', port: server.port, token })).rejects.toMatchObject({
    code: 'invalid-input',
    hint: expect.stringContaining('workers.artifacts.listen') as unknown,
  });
});
