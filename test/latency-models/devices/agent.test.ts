import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createWebServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AgentDevice } from '../../../latency-models/devices/agent/agent-device.js';
import { createDevice, DeviceUnavailable, startAgent, type Agent } from '../../../latency-models/index.js';
import { temporaryFolder } from '../../support/temporary.js';
import { client, headersFor, local, testAgent } from './agents.js';
import { classifier, large, small } from './models.js';
import { measureQuickly } from './quick-protocol.js';

function tokenFile(token: string): string {
  const file = join(temporaryFolder(), 'token');
  writeFileSync(file, `${token}\n`);
  return file;
}

/** The status of a request that says which host it is meant for. */
const statusAs = (agent: Agent, host: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    request(new URL('/v1/device', agent.address), { headers: { ...headersFor(agent), host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .once('error', reject)
      .end();
  });

/** The address of a server that stands in for an agent, and ends with the test. */
async function answering(answer: (method: string | undefined) => string): Promise<string> {
  const server = createWebServer((incoming, response) => {
    incoming.resume();
    response.setHeader('content-type', 'application/json').end(answer(incoming.method));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('an agent', () => {
  it('keeps results by id, also over a restart, and touches no other file in its folder', async () => {
    const directory = temporaryFolder();
    const files = ['models/mine.onnx', `models/${'a'.repeat(64)}.onnx`, 'measurements/mine.json', 'nas-agent/models/x'];
    for (const file of files) {
      mkdirSync(join(directory, file, '..'), { recursive: true });
      writeFileSync(join(directory, file), 'mine');
    }
    const agent = await testAgent({ directory });
    const first = await measureQuickly(client(agent), small, { id: 'one' });
    expect(await measureQuickly(client(agent), small, { id: 'one' })).toEqual(first);
    await expect(measureQuickly(client(agent), large, { id: 'one' })).rejects.toThrow(
      /another measurement with the id one/,
    );
    await agent.close();
    const again = await measureQuickly(client(await testAgent({ directory })), small, { id: 'one' });
    expect(again.samples).toEqual(first.samples);
    for (const file of files) expect(readFileSync(join(directory, file), 'utf8')).toBe('mine');
    expect(readdirSync(directory).sort()).toEqual(['measurements', 'models', 'nas-agent']);
  });

  it('reports how its device sums bytes', async () => {
    const here = await createDevice(local).integers?.();
    expect(await client(await testAgent()).integers?.()).toBe(here);
  });

  it('locks its state folder', async () => {
    const directory = temporaryFolder();
    const agent = await testAgent({ directory });
    const second = testAgent({ directory });
    await expect(second).rejects.toMatchObject({ code: 'in-use' });
    await expect(second).rejects.toThrow(/nas-agent: the agent of process \d+ .* keeps its results here/);
    await agent.close();
    await testAgent({ directory });
  });

  it('serves only its user when it has no token', async () => {
    const agent = await testAgent();
    expect(statSync(agent.tokenFile ?? '').mode & 0o777).toBe(0o600);
    expect((await fetch(new URL('/v1/device', agent.address))).status).toBe(401);
    expect((await fetch(new URL('/v1/device', agent.address), { headers: headersFor(agent) })).status).toBe(200);
    await client(agent).integers?.();
  });

  it('rejects unknown host names', async () => {
    const agent = await testAgent({ names: ['Bench.example'] });
    for (const host of ['localhost:7700', '127.0.0.1', '[::1]:7700', '192.168.1.20:7700', 'bench.example'])
      expect([host, await statusAs(agent, host)]).toEqual([host, 200]);
    for (const host of ['evil.example', 'localhost.evil.example:7700', '127.0.0.1.evil.example', 'a b'])
      expect([host, await statusAs(agent, host)]).toEqual([host, 403]);
  });

  it('ends a measurement without progress, and measures again when a resumed run asks with the same id', async () => {
    const directory = temporaryFolder();
    const hanging = await testAgent({ directory, silenceMs: 20 });
    const failure = measureQuickly(client(hanging), small, { id: 'one' });
    await expect(failure).rejects.toBeInstanceOf(DeviceUnavailable);
    await expect(failure).rejects.toThrow(/made no progress for 0.02 s and was ended/);
    await hanging.close();
    const agent = await testAgent({ directory });
    const measured = await measureQuickly(client(agent), small, { id: 'one' });
    expect(measured.samples.length).toBeGreaterThan(0);
    expect(await measureQuickly(client(agent), small, { id: 'one' })).toEqual(measured);
  });

  it('is unavailable when its measurement stands still', async () => {
    const url = await answering((method) => (method === 'PUT' ? '' : '{"state": "running", "done": 3, "total": 9}'));
    const device = new AgentDevice({ type: 'agent', url, patience_s: 5 }, 300);
    await expect(measureQuickly(device, small)).rejects.toThrow(/has been running without progress for 0.3 s/);
  });

  it('reports why a model cannot run', async () => {
    const device = client(await testAgent());
    const open = classifier(['N', 'H', 8, 1], 64);
    await expect(measureQuickly(device, open)).rejects.toThrow(/leaves "H" open.*\(on the agent at http/);
  });

  it('needs a token on public addresses, and rejects clients without it', async () => {
    const device = { host: '0.0.0.0', port: 0, device: local, directory: temporaryFolder(), maxModelBytes: 1e6 };
    await expect(startAgent(device)).rejects.toThrow(/can be reached by others: it needs a token/);
    const token = 'correct horse battery staple';
    const agent = await testAgent({ token });
    const right = client(agent, { token_file: tokenFile(token) });
    await right.integers?.();
    for (const options of [{}, { token_file: tokenFile('correct horse battery stable') }])
      await expect(client(agent, options).integers?.()).rejects.toThrow(/does not accept the token/);
    expect(() => client(agent, { token_file: tokenFile('short') })).toThrow(/has 5 characters; at least 16/);
    expect(() => client(agent, { token_file: join(temporaryFolder(), 'none') })).toThrow(/cannot be read/);
    expect((await fetch(new URL('/v1/device', agent.address))).status).toBe(401);
  });

  it('rejects large models, wrong hashes, and pages in browsers', async () => {
    const agent = await testAgent({ maxModelBytes: 1000 });
    await expect(measureQuickly(client(agent), large)).rejects.toThrow(/more than 0 MiB/);
    const headers = { ...headersFor(agent), 'content-type': 'application/octet-stream' };
    const put = (sha: string) =>
      fetch(new URL(`/v1/models/${sha}`, agent.address), { method: 'PUT', headers, body: 'model' });
    expect((await put('0'.repeat(64))).status).toBe(400);
    expect((await put('..%2f..%2fetc')).status).toBe(400);
    const page = await fetch(new URL('/v1/device', agent.address), { headers: { origin: 'http://evil.example' } });
    expect(page.status).toBe(403);
  });

  it.each([
    ['an id with a slash', '{"id": "a/b"}', 400],
    ['a list', '[]', 400],
    ['half of an object', '{', 400],
    ['two megabytes', `"${'x'.repeat(2 ** 21)}"`, 413],
  ])('refuses %s as a request', async (_, body, status) => {
    const agent = await testAgent();
    const headers = { ...headersFor(agent), 'content-type': 'application/json' };
    const response = await fetch(new URL('/v1/measurements', agent.address), { method: 'POST', headers, body });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { message: expect.any(String) as string } });
  });
});
