import { describe, expect, it } from 'vitest';
import { greyService, testServer, token } from '../server.js';

const authorization = `Bearer ${token}`;

async function post(url: string, body?: string): Promise<readonly [status: number, body: unknown]> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { authorization },
    ...(body === undefined ? {} : { body }),
  });
  return [answer.status, await answer.json()];
}

describe('the model repository', () => {
  it('lists available or served models', async () => {
    const url = await testServer(
      greyService(
        {},
        {
          index: () => [
            { name: 'trial-1', version: 1, state: 'READY', reason: '' },
            { name: 'trial-2', version: 1, state: 'UNAVAILABLE', reason: 'it was unloaded' },
          ],
        },
      ),
    );
    const first = { name: 'trial-1', version: '1', state: 'READY', reason: '' };
    const second = { name: 'trial-2', version: '1', state: 'UNAVAILABLE', reason: 'it was unloaded' };
    expect(await post(`${url}/v2/repository/index`)).toEqual([200, [first, second]]);
    expect(await post(`${url}/v2/repository/index`, '{"ready":false}')).toEqual([200, [first, second]]);
    expect(await post(`${url}/v2/repository/index`, '{"ready":true}')).toEqual([200, [first]]);
    expect(await post(`${url}/v2/repository/index`, '{"ready":1}')).toEqual([
      400,
      { error: expect.stringContaining('expected boolean') as string },
    ]);
    expect(await post(`${url}/v2/repository/index`, '{')).toMatchObject([400, {}]);
  });
});
