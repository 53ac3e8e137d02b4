import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { InjectOptions } from 'fastify';
import { describe, expect, it } from 'vitest';
import { namesOf } from '../../../base/server.js';
import { startPage } from '../../../reports/page/server.js';
import { temporaryFolder } from '../../support/temporary.js';
import { assetsFolder, testApp } from './server.js';

const local = { host: '127.0.0.1:6060' };
const token = 'correct horse battery staple';

describe('access to the page', () => {
  it('is limited to its own names and addresses', async () => {
    const app = await testApp(temporaryFolder(), { names: namesOf('127.0.0.1', ['board.lan']) });
    const statusAs = async (host: string, url: string): Promise<number> =>
      (await app.inject({ url, headers: { host } })).statusCode;
    for (const url of ['/', '/api/runs', '/assets/index-1234.js', '/files/a/artifacts/b', '/api/live']) {
      expect(await statusAs('evil.example', url)).toBe(403);
      expect(await statusAs('127.0.0.1.evil.example:6060', url)).toBe(403);
    }
    for (const host of ['localhost:6060', '[::1]:6060', '192.168.0.7', 'board.lan'])
      expect([host, await statusAs(host, '/api/runs')]).toEqual([host, 200]);
  });

  it('is refused to pages of other sites, except links', async () => {
    const app = await testApp(temporaryFolder());
    const statusOf = async (url: string, headers: Readonly<Record<string, string>>): Promise<number> =>
      (await app.inject({ url, headers: { ...local, ...headers } })).statusCode;
    const from = (site: string, mode: string, dest: string) => ({
      'sec-fetch-site': site,
      'sec-fetch-mode': mode,
      'sec-fetch-dest': dest,
    });
    const visit = from('cross-site', 'navigate', 'document');
    expect(await statusOf('/runs/a', visit)).toBe(200);
    for (const data of ['/api/runs', '/%61pi/runs', '/api/none', '/%66iles/a/artifacts/b', '/files/a'])
      expect([data, await statusOf(data, visit)]).toEqual([data, 403]);
    expect(await statusOf('/runs/a', from('cross-site', 'navigate', 'iframe'))).toBe(403);
    expect(await statusOf('/assets/index-1234.js', from('cross-site', 'no-cors', 'script'))).toBe(403);
    expect(await statusOf('/api/runs', from('same-site', 'cors', 'empty'))).toBe(403);
    expect(await statusOf('/api/runs', from('same-origin', 'cors', 'empty'))).toBe(200);
    expect(await statusOf('/api/runs', { origin: 'http://127.0.0.1:6060' })).toBe(200);
    for (const origin of ['http://127.0.0.1:6061', 'null', 'http://evil.example', ''])
      expect([origin, await statusOf('/api/runs', { origin })]).toEqual([origin, 403]);
  });

  it('is read-only', async () => {
    const app = await testApp(temporaryFolder());
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const) {
      const { statusCode, headers } = await app.inject({ method, url: '/api/runs', headers: local });
      expect([method, statusCode, headers['allow']]).toEqual([method, 405, 'GET, HEAD']);
    }
    expect((await app.inject({ method: 'HEAD', url: '/api/runs', headers: local })).statusCode).toBe(200);
  });

  it('changes runs only for requests with its token, from its own pages or from programs', async () => {
    const app = await testApp(temporaryFolder(), { changeToken: token });
    const statusOf = async (headers: Readonly<Record<string, string>>, payload: string | object = {}) =>
      (await app.inject({ method: 'POST', url: '/api/runs/none/stop', headers: { ...local, ...headers }, payload }))
        .statusCode;
    const authorization = `Bearer ${token}`;
    const own = { origin: 'http://127.0.0.1:6060', 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' };
    expect(await statusOf({ ...own, authorization })).toBe(404);
    expect(await statusOf({ authorization })).toBe(404);
    expect(await statusOf(own)).toBe(401);
    expect(await statusOf({ ...own, authorization: 'Bearer wrong' })).toBe(401);
    expect(await statusOf({ ...own, cookie: `nas-token-80=${token}` })).toBe(401);
    for (const origin of ['http://127.0.0.1:6061', 'http://evil.example', 'null'])
      expect([origin, await statusOf({ ...own, authorization, origin })]).toEqual([origin, 403]);
    const visit = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    expect(await statusOf({ ...own, authorization, ...visit })).toBe(403);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=a'])
      expect(await statusOf({ ...own, authorization, 'content-type': type }, '{}')).toBe(415);
    // Without a token, the page can be read.
    const answers = await Promise.all(
      [{}, { authorization }].map((headers) => app.inject({ url: '/api/access', headers: { ...local, ...headers } })),
    );
    expect(answers.map((answer) => answer.json<unknown>())).toEqual([
      { changes: false, images: false, isKnown: false },
      { changes: true, images: false, isKnown: true },
    ]);
  });

  it('has headers against foreign content, frames and type guessing', async () => {
    const app = await testApp(temporaryFolder());
    for (const url of ['/', '/api/runs', '/api/none', '/assets/none.js']) {
      const { headers } = await app.inject({ url, headers: local });
      const policy = String(headers['content-security-policy']);
      expect(policy.split(';')).toEqual([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ]);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
        'cross-origin-resource-policy': 'same-origin',
      });
    }
  });
});

describe('a token', () => {
  it('comes in a header only: a cookie would go to all ports of the host', async () => {
    const app = await testApp(temporaryFolder(), { token });
    const get = (url: string, headers: InjectOptions['headers'] = {}) =>
      app.inject({ url, headers: { ...local, ...headers } });
    for (const url of ['/api/runs', '/api/live', '/files/a/artifacts/b', '/api/none', '/%61pi/runs'])
      expect([url, (await get(url)).statusCode]).toEqual([url, 401]);
    for (const url of [`/?${new URLSearchParams({ token }).toString()}`, '/assets/index-1234.js']) {
      const { statusCode, headers } = await get(url);
      expect([url, statusCode, headers['set-cookie'], headers['location']]).toEqual([url, 200, undefined, undefined]);
    }
    for (const scheme of ['Bearer', 'bearer'])
      expect((await get('/api/runs', { authorization: `${scheme} ${token}` })).statusCode).toBe(200);
    expect((await get('/api/runs', { cookie: `nas-token-80=${encodeURIComponent(token)}` })).statusCode).toBe(401);
  });

  it('must be the right one', async () => {
    const app = await testApp(temporaryFolder(), { token });
    await fc.assert(
      fc.asyncProperty(fc.string(), async (guess) => {
        fc.pre(guess.trim() !== token);
        const headers = { ...local, authorization: `Bearer ${encodeURIComponent(guess)}` };
        expect((await app.inject({ url: '/api/runs', headers })).statusCode).toBe(401);
      }),
    );
  });

  it('is required when other machines can connect', async () => {
    const folder = temporaryFolder();
    const options = { folder, host: '0.0.0.0', port: 0, assets: assetsFolder(), report: () => undefined };
    await expect(startPage(options)).rejects.toThrow(/is visible to other machines: it needs a token/);
    const page = await startPage({ ...options, token });
    try {
      const url = new URL('/api/runs', `http://127.0.0.1:${new URL(page.address).port}`);
      expect((await fetch(url)).status).toBe(401);
      expect((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
    } finally {
      await page.close();
    }
  });
});

it('refuses invalid options before it listens', async () => {
  const folder = temporaryFolder();
  const options = { folder, host: '127.0.0.1', port: 0, assets: assetsFolder(), report: () => undefined };
  await expect(startPage({ ...options, assets: join(folder, 'none') })).rejects.toThrow(/the page is not built/);
  const page = await startPage({ ...options, folder: join(folder, 'not-yet') });
  const port = Number(new URL(page.address).port);
  await expect(startPage({ ...options, port })).rejects.toThrow(`cannot listen on 127.0.0.1:${port}`);
  await page.close();
  mkdirSync(join(folder, 'runs'));
  await expect(startPage({ ...options, folder: join(options.assets, 'index.html') })).rejects.toThrow(/is a file/);
});
