import { describe, expect, it } from 'vitest';
import { greyService, testApp, token } from './server.js';

interface Operation {
  readonly summary?: string;
  readonly responses: Readonly<Record<string, unknown>>;
}
interface Description {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly security?: unknown;
}

async function description(access: { readonly token?: string } = {}): Promise<Description> {
  const app = await testApp(greyService(), { access });
  const headers = { host: 'localhost', authorization: `Bearer ${token}` };
  return (await app.inject({ url: '/openapi.json', headers })).json();
}

describe('the OpenAPI description', () => {
  it('has every route with a summary and its answers', async () => {
    const { paths, openapi } = await description();
    expect(openapi).toBe('3.1.0');
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining([
        '/v2',
        '/v2/health/live',
        '/v2/health/ready',
        '/v2/models/{name}',
        '/v2/models/{name}/infer',
        '/v2/models/{name}/versions/{version}/infer',
        '/v2/models/{name}/ready',
        '/v2/repository/index',
        '/metrics',
      ]),
    );
    for (const [path, operations] of Object.entries(paths))
      for (const [method, { summary, responses }] of Object.entries(operations)) {
        expect([path, method, summary]).toEqual([path, method, expect.any(String)]);
        expect([path, method, Object.keys(responses)]).toEqual([path, method, ['200', '4XX', '5XX']]);
      }
  });

  it('shows tensors in JSON and as bytes', async () => {
    const { paths } = await description();
    const types = {
      content: {
        'application/json': expect.anything() as object,
        'application/octet-stream': expect.anything() as object,
      },
    };
    expect(paths['/v2/models/{name}/infer'].post).toMatchObject({ requestBody: types, responses: { 200: types } });
  });

  it('requires a token if the server does', async () => {
    expect((await description()).security).toBeUndefined();
    expect((await description({ token })).security).toEqual([{ token: [] }]);
  });
});
