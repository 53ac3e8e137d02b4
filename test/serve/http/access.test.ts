import type { InjectOptions } from 'fastify';
import { describe, expect, it } from 'vitest';
import { namesOf } from '../../../base/server.js';
import { greyService, serviceOf, testApp, testServer, token } from './server.js';
import { exchange, headersOf } from './wire.js';

const local = { host: '127.0.0.1:8000' };
const allowed = 'https://www.example.com';
const addresses = ['/v2', '/metrics', '/v2/models/frontier', '/openapi.json', '/nothing'];

describe('access', () => {
  it('allows only names and addresses of the server', async () => {
    const app = await testApp(greyService(), { access: { names: namesOf('127.0.0.1', ['models.lan']) } });
    const statusAs = async (host: string, url: string): Promise<number> =>
      (await app.inject({ url, headers: { host } })).statusCode;
    for (const url of [...addresses, '/v2/health/live']) {
      expect(await statusAs('evil.example', url)).toBe(403);
      expect(await statusAs('127.0.0.1.evil.example', url)).toBe(403);
    }
    for (const host of ['localhost:8000', '[::1]:8000', '10.0.0.7', 'models.lan'])
      expect([host, await statusAs(host, '/v2')]).toEqual([host, 200]);
  });

  it('requires the token except for health routes', async () => {
    const app = await testApp(greyService(), { access: { token } });
    const statusOf = async (url: string, authorization?: string): Promise<number> =>
      (await app.inject({ url, headers: { ...local, ...(authorization === undefined ? {} : { authorization }) } }))
        .statusCode;
    for (const url of addresses) {
      expect(await statusOf(url)).toBe(401);
      expect(await statusOf(url, `Bearer ${token}x`)).toBe(401);
      expect(await statusOf(url, token)).toBe(401);
      expect(await statusOf(url, `Bearer ${token}`)).not.toBe(401);
    }
    expect(await statusOf('/v2/health/live')).toBe(200);
    expect(await statusOf('/v2/health/ready')).toBe(200);
    // The exact route, not one with the same prefix.
    expect(await statusOf('/v2/%68ealth/live')).toBe(200);
    expect(await statusOf('/v2/health/live/../../models/frontier')).toBe(401);
    expect(await statusOf('/v2/models/v2/health/live')).toBe(401);
  });

  it('refuses web pages unless their origin is allowed', async () => {
    const app = await testApp(greyService(), { access: { origins: [allowed], token } });
    const ask = (headers: Record<string, string>, method: InjectOptions['method'] = 'GET') =>
      app.inject({ method, url: '/v2', headers: { ...local, ...headers } });
    const authorization = `Bearer ${token}`;
    for (const origin of [
      'https://evil.example',
      'null',
      '',
      'http://127.0.0.1:8000',
      `${allowed}.evil.example`,
      'https://www',
    ])
      expect([origin, (await ask({ origin, authorization })).statusCode]).toEqual([origin, 403]);
    const answer = await ask({ origin: allowed, authorization });
    expect([answer.statusCode, answer.headers['access-control-allow-origin']]).toEqual([200, allowed]);
    // The page can read the refusal.
    const refused = await ask({ origin: allowed });
    expect([refused.statusCode, refused.headers['access-control-allow-origin']]).toEqual([401, allowed]);
    const preflight = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-budget-ms' };
    const asked = await ask({ origin: allowed, ...preflight }, 'OPTIONS');
    expect(asked.statusCode).toBe(204);
    expect(asked.headers['access-control-allow-headers']).toContain('x-budget-ms');
    const foreign = await ask({ origin: 'https://evil.example', ...preflight }, 'OPTIONS');
    expect(foreign.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('refuses all web pages by default', async () => {
    const app = await testApp(greyService());
    const { statusCode, body } = await app.inject({ url: '/v2', headers: { ...local, origin: allowed } });
    expect([statusCode, body]).toEqual([
      403,
      JSON.stringify({ error: `the origin "${allowed}" is not allowed. nas serve --origin allows an origin.` }),
    ]);
  });

  it('refuses before it reads the body', async () => {
    const url = await testServer(greyService(), { access: { token } });
    expect((await exchange(url, headersOf('/v2/models/frontier/infer'))).status).toBe(401);
  });

  it('takes the scheme of the token in any case', async () => {
    const app = await testApp(greyService(), { access: { token } });
    for (const scheme of ['bearer', 'BEARER', 'Bearer '])
      expect(
        (await app.inject({ url: '/v2', headers: { ...local, authorization: `${scheme} ${token}` } })).statusCode,
      ).toBe(200);
  });

  it('answers a scraper without a token if an option says so', async () => {
    const app = await testApp(greyService(), { access: { token, hasOpenMetrics: true } });
    const statusOf = async (url: string) => (await app.inject({ url, headers: local })).statusCode;
    expect([await statusOf('/metrics'), await statusOf('/v2')]).toEqual([200, 401]);
  });

  it('knows clients behind a proxy that it trusts by X-Forwarded-For', async () => {
    const seen: string[] = [];
    const { pool } = greyService();
    const run: typeof pool.run = (inputs, options) => (seen.push(options.client), pool.run(inputs, options));
    for (const proxies of [['127.0.0.1'], []]) {
      const app = await testApp(serviceOf({ ...pool, run }), { access: { proxies } });
      const headers = { ...local, 'x-forwarded-for': '10.0.0.9', 'inference-header-content-length': '0' };
      await app.inject({ method: 'POST', url: '/v2/models/frontier/infer', headers, payload: Buffer.alloc(784) });
    }
    expect(seen).toEqual(['10.0.0.9', '127.0.0.1']);
  });
});
