import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { invalidInput, NasError } from '../../../base/errors.js';
import { BadImage } from '../../../serve/images/decoder.js';
import { NotAnswered } from '../../../serve/inference/pool.js';
import { greyService, startServer, testServer } from './server.js';
import { inferPath, rawImage } from './wire.js';

const refusals: readonly (readonly [thrown: Error, status: number, retryAfter: string | null, error: string])[] = [
  [new NotAnswered('full', '9 images wait', 1), 503, '1', '9 images wait'],
  [new NotAnswered('hopeless', 'too late already', 1001), 503, '2', 'too late already'],
  [new NotAnswered('closing', 'the server ends'), 503, '1', 'the server ends'],
  [new NotAnswered('expired', 'its time was over'), 504, null, 'its time was over'],
  [new NotAnswered('failed', 'the network did not compute'), 500, null, 'the network did not compute'],
  [new BadImage(400, 'the image is damaged'), 400, null, 'the image is damaged'],
  [new BadImage(413, 'the image has 60 MP'), 413, null, 'the image has 60 MP'],
  [new BadImage(415, 'this is SVG'), 415, null, 'this is SVG'],
  [invalidInput('no such file', { hint: 'Name another.' }), 400, null, 'no such file. Name another.'],
  [new NasError('in-use', 'it is being loaded'), 503, '1', 'it is being loaded'],
  [new TypeError('secret'), 500, null, 'internal server error. See the log of the server.'],
];

describe('thrown errors', () => {
  it("are reported to the client, and logged only if they are the server's fault", async () => {
    let next = new Error();
    const { url, log } = await startServer(greyService({ run: () => Promise.reject(next) }));
    for (const [thrown, status, retryAfter, error] of refusals) {
      next = thrown;
      const before = log.length;
      const answer = await fetch(`${url}${inferPath}`, rawImage);
      const body: unknown = await answer.json();
      expect([answer.status, answer.headers.get('retry-after'), body]).toEqual([status, retryAfter, { error }]);
      expect(log.slice(before).map(({ msg }) => msg)).toEqual(status === 500 ? [thrown.message] : []);
    }
  });

  it('are not sent to a disconnected client, which is counted as 499', async () => {
    let leave = (): void => undefined;
    const { url, metric } = await startServer(
      greyService({
        // Like a scheduler, checks before it computes.
        run: async (_, { isGone }) => {
          leave();
          while (!isGone()) await new Promise((resolve) => setImmediate(resolve));
          throw new NotAnswered('gone', 'nobody waits');
        },
      }),
    );
    const sent = request(`${url}${inferPath}`, rawImage);
    leave = () => sent.destroy();
    const ended = new Promise((resolve) => sent.once('close', resolve));
    sent.on('error', () => undefined).end(rawImage.body);
    await ended;
    await expect
      .poll(() => metric('nas_requests_total'))
      .toEqual([{ labels: { route: '/v2/models/:name/infer', status: '499' }, value: 1 }]);
  });
});

describe('routes', () => {
  it('that are unknown or malformed get the same form of error', async () => {
    const url = await testServer(greyService());
    const errorOf = async (path: string, init?: RequestInit): Promise<readonly unknown[]> => {
      const answer = await fetch(`${url}${path}`, init);
      const body: unknown = await answer.json();
      return [answer.status, body];
    };
    const nothing = (what: string) => ({
      error: `there is no route ${what}. GET /openapi.json lists the routes.`,
    });
    expect(await errorOf('/v3')).toEqual([404, nothing('GET /v3')]);
    expect(await errorOf('/v2/health/live', { method: 'PUT' })).toEqual([404, nothing('PUT /v2/health/live')]);
    expect(await errorOf('/%')).toMatchObject([400, { error: expect.stringContaining('/%') as string }]);
    expect(await errorOf(`/v2/models/${'a'.repeat(1000)}`)).toMatchObject([414, {}]);
  });
});
