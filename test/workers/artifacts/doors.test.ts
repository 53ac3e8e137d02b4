import { statfsSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { knockEverywhere, type Knock } from '../../support/doors.js';
import { artifactOf, fileWith, someBytes } from './describe-artifacts.js';
import { serve, token } from './hosted.js';

const octets = 'application/octet-stream';

it('the doors of the artifacts server answer every method, route, type and size at once', async () => {
  const { hosted, server } = await serve();
  const { sha256 } = await hosted.put(fileWith(Buffer.from('content')));
  const paths = [sha256, '0'.repeat(64), 'x', '..%2f..%2fetc%2fpasswd'].map((name) => `/v1/artifacts/${name}`);
  const allowed = ({ token: sent, method, type, body }: Knock): readonly number[] => {
    if (sent === null) return [401];
    if (!['GET', 'HEAD', 'PUT'].includes(method)) return [404, 415];
    return method === 'PUT' && body !== 'none' && type !== octets ? [415] : [200, 400, 404];
  };
  const doors = { paths: [...paths, '/', '/v1/none'], tokens: [null, token], writing: ['PUT', 'POST'] };
  const answers = await knockEverywhere(server.url, doors, (asked) =>
    asked.path.startsWith('/v1/artifacts/') ? allowed(asked) : asked.token === null ? [401] : [404, 415],
  );
  expect(answers.filter(({ token: sent, text }) => sent === null && text.includes('content')).length).toBe(0);
});

it('uploads that claim the disk, or bring a byte at a time, stop no other', async () => {
  const { bavail, bsize } = statfsSync(tmpdir());
  const free = bavail * bsize;
  const { server } = await serve({ silenceMs: 400, reserveBytes: free / 2 });
  const content = someBytes(2 ** 20);
  const put = (name: string, bytes: number, body: Buffer | null) => {
    const headers = {
      ...{ authorization: `Bearer ${token}`, 'content-type': octets, 'upload-offset': '0' },
      'upload-length': String(bytes),
    };
    const sent = request({ port: server.port, path: `/v1/artifacts/${name}`, method: 'PUT', headers, agent: false });
    onTestFinished(() => void sent.destroy());
    // 0: the server has ended the connection.
    const status = new Promise<number>((resolve) => {
      sent.on('response', (answer) => resolve(answer.resume().statusCode ?? 0)).on('error', () => resolve(0));
    });
    if (body !== null) sent.end(body);
    return { sent, status };
  };
  // Together they claim more than there is.
  const slow = ['1', '2'].map((name) => put(name.repeat(64), Math.floor(0.4 * free), null));
  const trickle = setInterval(() => slow.forEach(({ sent }) => sent.write('a')), 50);
  onTestFinished(() => clearInterval(trickle));
  await setTimeout(200);
  const { sha256, bytes } = artifactOf(content);
  expect(await put(sha256, bytes, content).status).toBe(201);
  for (const { status } of slow) expect([0, 409]).toContain(await status);
});
