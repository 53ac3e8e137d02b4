import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { AgentClient } from '../../../latency-models/devices/agent/client.js';
import { knockEverywhere, type Knock } from '../../support/doors.js';
import { temporaryFolder } from '../../support/temporary.js';
import { headersFor, testAgent } from '../devices/agents.js';

const token = 'a token of the doors';
const sha = '0'.repeat(64);
const paths = ['/v1/device', `/v1/models/${sha}`, '/v1/models/x', '/v1/measurements', '/v1/measurements/a', '/', '/x'];
const protocol = {
  ...{ warmupMs: 0, blockMs: 1, minRuns: 1, maxRuns: 10 },
  ...{ minBlocks: 1, maxBlocks: 2, tolerance: 0.5 },
};

it('the doors of an agent answer every method, route, type and size at once', async () => {
  const agent = await testAgent({ token });
  const allowed = ({ method, path, token: sent, body, type }: Knock): readonly number[] => {
    if (sent === null) return [401];
    // A model's length is announced, and too large here.
    if (method === 'PUT' && path.includes('/models/')) return [400, 413, 415];
    if (body !== 'none' && !['GET', 'HEAD'].includes(method))
      return type === 'application/json' ? [400, 404, 413] : [204, 400, 404, 415];
    return [200, 204, 400, 404];
  };
  const writing = ['POST', 'PUT', 'PATCH', 'DELETE'];
  await knockEverywhere(agent.address, { paths, tokens: [null, token], writing }, allowed);
});

it('models go to the disk as they arrive, and what one measurement needs is limited', async () => {
  const directory = temporaryFolder();
  const agent = await testAgent({ directory, maxModelBytes: 2 ** 26, maxMeasuredBytes: 2 ** 27 });
  const headers = { ...headersFor(agent), 'content-type': 'application/octet-stream' };
  const models = Array.from({ length: 4 }, (_, i) => Buffer.alloc(2 ** 24, i));
  const shas = models.map((model) => createHash('sha256').update(model).digest('hex'));
  const put = (name: string, body: Buffer) =>
    fetch(new URL(`/v1/models/${name}`, agent.address), { method: 'PUT', headers, body: new Uint8Array(body) });
  const statuses = await Promise.all(models.map(async (model, i) => (await put(shas[i], model)).status));
  expect(statuses).toEqual([204, 204, 204, 204]);
  expect((await put(sha, randomBytes(100))).status).toBe(400);
  expect(readdirSync(join(directory, 'nas-agent/models')).sort()).toEqual(shas.map((name) => `${name}.onnx`).sort());
  const ask = (list: readonly string[]) =>
    fetch(new URL('/v1/measurements', agent.address), {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ id: 'many', models: list, protocol }),
    });
  const refused = await ask(Array.from({ length: 9 }, () => shas[0]));
  expect([refused.status, await refused.text()]).toEqual([413, expect.stringContaining('too large for the memory')]);
});

it('a program on the port of an agent that has ended gets no token that is ever valid', async () => {
  const agent = await testAgent();
  const { tokenFile = '', address } = agent;
  const first = readFileSync(tokenFile, 'utf8');
  await agent.close();
  expect(existsSync(tokenFile)).toBe(false);
  const seen: (string | undefined)[] = [];
  const squatter = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(401).end('{}');
  });
  onTestFinished(() => void squatter.close());
  const port = Number(new URL(address).port);
  await new Promise<void>((resolve) => squatter.listen(port, '127.0.0.1', resolve));
  const client = new AgentClient({ type: 'agent', url: address, patience_s: 1 });
  await expect(client.device()).rejects.toThrow(/does not accept the token/);
  await new Promise((resolve) => squatter.close(resolve));
  const again = await testAgent({ port });
  expect(readFileSync(again.tokenFile ?? '', 'utf8')).not.toBe(first);
  expect(seen).toEqual([undefined]);
  await client.device();
});
