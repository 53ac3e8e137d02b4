import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer as createWebServer, request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  createDevice,
  deviceSchema,
  DeviceUnavailable,
  startAgent,
  type Agent,
  type Device,
} from '../../../latency-models/index.js';
import { AgentDevice } from '../../../latency-models/devices/agent/agent-device.js';
import { describeEnvironment } from '../../../latency-models/machine.js';
import { temporaryFolder } from '../../support/temporary.js';
import { local, testAgent } from './agents.js';
import { describeDevice } from './contract.js';
import { classifier, large, notAModel, small } from './models.js';
import { quickProtocol } from './quick-protocol.js';

const client = ({ address }: Pick<Agent, 'address'>, options: object = {}): Device =>
  createDevice(deviceSchema.parse({ type: 'agent', url: address, patience_s: 5, ...options }));

/** Takes about two seconds. */
const long = { ...quickProtocol, blockMs: 40, maxRuns: 10_000, minBlocks: 40, maxBlocks: 40 };

describeDevice({
  name: 'agent',
  make: async () => client(await testAgent()),
  small,
  large,
  impossible: notAModel,
  provenance: 'measured',
});

function tokenFile(token: string): string {
  const file = join(temporaryFolder(), 'token');
  writeFileSync(file, `${token}\n`);
  return file;
}

/** Headers of this user's programs. */
const own = ({ tokenFile = '' }: Agent) => ({ authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}` });

/** The status of a request that says which host it is meant for. */
const statusAs = (agent: Agent, host: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    request(new URL('/v1/device', agent.address), { headers: { ...own(agent), host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .once('error', reject)
      .end();
  });

/** A file where a folder should be: nothing can be written into it, as on a full disk. */
function block(folder: string): void {
  rmSync(folder, { recursive: true });
  writeFileSync(folder, '');
}

describe('an agent', () => {
  it('touches nothing in its state folder that it did not write', async () => {
    const directory = temporaryFolder();
    const files = ['models/mine.onnx', `models/${'a'.repeat(64)}.onnx`, 'measurements/mine.json', 'nas-agent/models/x'];
    for (const file of files) {
      mkdirSync(join(directory, file, '..'), { recursive: true });
      writeFileSync(join(directory, file), 'mine');
    }
    const agent = await testAgent({ directory });
    await client(agent).measure(small, quickProtocol);
    await agent.close();
    for (const file of files) expect(readFileSync(join(directory, file), 'utf8')).toBe('mine');
    expect(readdirSync(directory).sort()).toEqual(['measurements', 'models', 'nas-agent']);
  });

  it('says how its device sums bytes, and counts as exact when it does not tell', async () => {
    const here = await createDevice(local).integers?.();
    expect(await client(await testAgent()).integers?.()).toBe(here);
    const older = createWebServer((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          device: 'local',
          environment: describeEnvironment('local', { provider: 'cpu', threads: 1, batch: 1 }),
        }),
      );
    });
    await new Promise<void>((resolve) => older.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void older.close());
    const { port } = older.address() as AddressInfo;
    expect(await client({ address: `http://127.0.0.1:${port}` }).integers?.()).toBe('exact');
  });

  it('has its state folder for itself', async () => {
    const directory = temporaryFolder();
    const agent = await testAgent({ directory });
    const second = testAgent({ directory });
    await expect(second).rejects.toMatchObject({ code: 'in-use' });
    await expect(second).rejects.toThrow(/nas-agent: the agent of process \d+ .* keeps its results here/);
    expect((await client(agent).measure(small, quickProtocol)).ms).toBeGreaterThan(0);
    await agent.close();
    await testAgent({ directory });
  });

  it('gives out no results of other settings as its own', async () => {
    const directory = temporaryFolder();
    const agent = await testAgent({ directory });
    const first = await client(agent).measure(small, quickProtocol, { id: 'one' });
    await agent.close();
    const other = await testAgent({ directory, device: deviceSchema.parse({ threads: 2 }) });
    const again = await client(other).measure(small, quickProtocol, { id: 'one' });
    expect([first, again].map(({ environment }) => environment.threads)).toEqual([1, 2]);
    expect(again.samples).not.toEqual(first.samples);
  });

  it('serves only its user where no token was given, who needs none', async () => {
    const agent = await testAgent();
    expect(statSync(agent.tokenFile ?? '').mode & 0o777).toBe(0o600);
    expect((await fetch(new URL('/v1/device', agent.address))).status).toBe(401);
    expect((await fetch(new URL('/v1/device', agent.address), { headers: own(agent) })).status).toBe(200);
    expect((await client(agent).measure(small, quickProtocol)).ms).toBeGreaterThan(0);
  });

  it('answers under no name that was made to point at it', async () => {
    const agent = await testAgent({ names: ['Bench.example'] });
    for (const host of ['localhost:7700', '127.0.0.1', '[::1]:7700', '192.168.1.20:7700', 'bench.example'])
      expect([host, await statusAs(agent, host)]).toEqual([host, 200]);
    for (const host of ['evil.example', 'localhost.evil.example:7700', '127.0.0.1.evil.example', 'a b'])
      expect([host, await statusAs(agent, host)]).toEqual([host, 403]);
  });

  it('gives results also when its disk is full, and says so when it cannot keep a model', async () => {
    const directory = temporaryFolder();
    const agent = await testAgent({ directory });
    const device = client(agent, { patience_s: 60 });
    block(join(directory, 'nas-agent/measurements'));
    expect((await device.measure(small, quickProtocol)).ms).toBeGreaterThan(0);
    block(join(directory, 'nas-agent/models'));
    const failure = device.measure(large, quickProtocol);
    await expect(failure).rejects.toBeInstanceOf(DeviceUnavailable);
    await expect(failure).rejects.toThrow(/has no room: .*nas-agent\/models/);
  });

  it('ends a measurement that makes no progress, with the reason', async () => {
    const agent = await testAgent({ silenceMs: 20 });
    const failure = client(agent).measure(small, quickProtocol);
    await expect(failure).rejects.toBeInstanceOf(DeviceUnavailable);
    await expect(failure).rejects.toThrow(/made no progress for 0.02 s and was ended/);
  });

  it('is given up when its measurement stands still', async () => {
    const server = createWebServer((incoming, response) => {
      incoming.resume();
      response.setHeader('content-type', 'application/json');
      response.end(incoming.method === 'PUT' ? '' : '{"state": "running", "done": 3, "total": 9}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const device = new AgentDevice({ type: 'agent', url, patience_s: 5 }, 300);
    await expect(device.measure(small, quickProtocol)).rejects.toThrow(/has been running without progress for 0.3 s/);
  });

  it('forgets models for which nobody asks a measurement', async () => {
    const directory = temporaryFolder();
    const agent = await testAgent({ directory, uploadLifeMs: 60 });
    const model = new TextEncoder().encode('model');
    const path = `/v1/models/${createHash('sha256').update(model).digest('hex')}`;
    const headers = { ...own(agent), 'content-type': 'application/octet-stream' };
    expect((await fetch(new URL(path, agent.address), { method: 'PUT', headers, body: model })).status).toBe(204);
    expect(readdirSync(join(directory, 'nas-agent/models'))).toHaveLength(1);
    await expect.poll(() => readdirSync(join(directory, 'nas-agent/models'))).toEqual([]);
  });

  it('gives back what it has under an id, and measures nothing twice', async () => {
    const device = client(await testAgent());
    const first = await device.measure(small, quickProtocol, { id: 'one' });
    expect(await device.measure(small, quickProtocol, { id: 'one' })).toEqual(first);
    expect((await device.measure(small, quickProtocol, { id: 'two' })).samples).not.toEqual(first.samples);
    await expect(device.measure(large, quickProtocol, { id: 'one' })).rejects.toThrow(
      /another measurement with the id one/,
    );
  });

  it('keeps results over a restart', async () => {
    const directory = temporaryFolder();
    const agent = await testAgent({ directory });
    const before = await client(agent).measure(small, quickProtocol, { id: 'kept' });
    await agent.close();
    const { environment, ...after } = await client(await testAgent({ directory })).measure(small, quickProtocol, {
      id: 'kept',
    });
    expect({ ...after, cpu: environment.cpu }).toMatchObject({ ms: before.ms, samples: before.samples });
  });

  it('is found again when it is restarted in the middle of a measurement, which says so', async () => {
    const directory = temporaryFolder();
    const agent = await testAgent({ directory });
    const port = Number(new URL(agent.address).port);
    let restarted: Promise<Agent> | undefined;
    const onProgress = (done: number) => {
      if (done > 0) restarted ??= agent.close().then(() => testAgent({ directory, port }));
    };
    const measurement = await client(agent).measure(small, long, { onProgress });
    expect(restarted).toBeDefined();
    expect(measurement.environment.notes).toContain('measured again after 1 interrupted measurement');
  });

  it('that is gone is told from one that is slow', async () => {
    const agent = await testAgent();
    const options = { onProgress: () => void agent.close() };
    const failure = client(agent, { patience_s: 0.3 }).measure(small, long, options);
    await expect(failure).rejects.toBeInstanceOf(DeviceUnavailable);
    await expect(failure).rejects.toThrow(/has not answered for 0.3 s/);
  });

  it('is waited for until it is there', async () => {
    const { address } = await new Promise<{ address: string }>((resolve) => {
      const probe = createServer().listen(0, '127.0.0.1', () => {
        const bound = probe.address();
        const port = bound === null || typeof bound === 'string' ? 0 : bound.port;
        probe.close(() => resolve({ address: `http://127.0.0.1:${port}` }));
      });
    });
    const measuring = client({ address }).measure(small, quickProtocol);
    await sleep(300);
    await testAgent({ port: Number(new URL(address).port) });
    expect((await measuring).ms).toBeGreaterThan(0);
  });

  it('measures one after the other, whoever asks', async () => {
    const agent = await testAgent();
    const done: string[] = [];
    const order = async (id: string) => {
      await client(agent).measure(small, quickProtocol, { id });
      done.push(id);
    };
    await Promise.all([order('a'), order('b')]);
    expect(done.sort()).toEqual(['a', 'b']);
  });

  it('survives a model that cannot be run, and says what is wrong with it', async () => {
    const device = client(await testAgent());
    const open = classifier(['N', 'H', 8, 1], 64);
    await expect(device.measure(open, quickProtocol)).rejects.toThrow(/leaves "H" open.*\(on the agent at http/);
    expect((await device.measure(small, quickProtocol)).ms).toBeGreaterThan(0);
  });

  it('needs a token where others can connect, and tells nobody without it anything', async () => {
    const device = { host: '0.0.0.0', port: 0, device: local, directory: temporaryFolder(), maxModelBytes: 1e6 };
    await expect(startAgent(device)).rejects.toThrow(/can be reached by others: it needs a token/);
    const token = 'correct horse battery staple';
    const agent = await testAgent({ token });
    const right = client(agent, { token_file: tokenFile(token) });
    expect((await right.measure(small, quickProtocol)).ms).toBeGreaterThan(0);
    for (const options of [{}, { token_file: tokenFile('correct horse battery stable') }])
      await expect(client(agent, options).measure(small, quickProtocol)).rejects.toThrow(/does not accept the token/);
    expect(() => client(agent, { token_file: tokenFile('short') })).toThrow(/has 5 characters; at least 16/);
    expect(() => client(agent, { token_file: join(temporaryFolder(), 'none') })).toThrow(/cannot be read/);
    expect((await fetch(new URL('/v1/device', agent.address))).status).toBe(401);
  });

  it('takes no model that is too large, none under another name, and nothing from a page in a browser', async () => {
    const agent = await testAgent({ maxModelBytes: 1000 });
    await expect(client(agent).measure(large, quickProtocol)).rejects.toThrow(/more than 0 MiB/);
    const headers = { ...own(agent), 'content-type': 'application/octet-stream' };
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
    const headers = { ...own(agent), 'content-type': 'application/json' };
    const response = await fetch(new URL('/v1/measurements', agent.address), { method: 'POST', headers, body });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { message: expect.any(String) as string } });
  });
});
