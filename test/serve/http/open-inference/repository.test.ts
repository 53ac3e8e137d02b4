import { describe, expect, it } from 'vitest';
import { invalidInput } from '../../../../base/errors.js';
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

  it('loads and unloads by name, and reports failures', async () => {
    const done: string[] = [];
    const url = await testServer(
      greyService(
        {},
        {
          load: (name) => {
            if (name === 'x') return Promise.reject(invalidInput('there is no model x', { hint: 'Put x.onnx there.' }));
            done.push(`load ${name}`);
            return Promise.resolve();
          },
          unload: (name) => {
            done.push(`unload ${name}`);
            return Promise.resolve();
          },
        },
      ),
      { access: { managementToken: token } },
    );
    const models = `${url}/v2/repository/models`;
    expect(await post(`${models}/trial-1/load`)).toEqual([200, {}]);
    expect(await post(`${models}/trial-2/unload`, '{"parameters":{"unload_dependents":true}}')).toEqual([200, {}]);
    expect(done).toEqual(['load trial-1', 'unload trial-2']);
    expect(await post(`${models}/x/load`)).toEqual([400, { error: 'there is no model x. Put x.onnx there.' }]);
    expect(await post(`${models}/trial-1/load`, '{"parameters":{"config":"{}"}}')).toEqual([
      400,
      { error: expect.stringMatching(/^config in parameters is not supported/) as string },
    ]);
    expect(await post(`${models}/trial-1/load`, '[]')).toMatchObject([400, {}]);
    expect(done).toHaveLength(2);
  });
});
