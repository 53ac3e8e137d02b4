import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NasError } from '../../base/errors.js';
import { connectQueue, type QueueAddress, type QueueConnection } from '../../workers/connection.js';
import { aclFor, checkInfo } from '../../workers/server-checks.js';
import { describeWithValkey, startValkey, type Valkey, type ValkeyOptions } from '../support/valkey.js';

const address = (url: string, more: Partial<QueueAddress> = {}): QueueAddress => ({
  url,
  prefix: 'nas',
  insecure: false,
  ...more,
});

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function connect(url: string, more: Partial<QueueAddress> = {}): Promise<QueueConnection> {
  const connection = await connectQueue(address(url, more), { patienceMs: 0 });
  ends.push(() => connection.close());
  return connection;
}

/** The error text of a failed connection. */
async function refusal(url: string, more: Partial<QueueAddress> = {}): Promise<string> {
  try {
    await connect(url, more);
    return 'connected';
  } catch (error) {
    if (!(error instanceof NasError)) throw error;
    return `${error.code}: ${error.message} (${error.hint ?? 'no hint'})`;
  }
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

describe('an address without a queue server', () => {
  it('is reported as closed, unknown, or another kind of server', async () => {
    expect(await refusal('redis://127.0.0.1:1')).toMatch(
      /^failure: the queue server at redis:\/\/127.0.0.1:1: no program listens there .*\(Start/,
    );
    expect(await refusal('redis://no-such-machine.invalid')).toContain('no machine is known by this name');
    const web = await portOf(createHttpServer((_, response) => response.end()));
    expect(await refusal(`redis://127.0.0.1:${web}`)).toMatch(/^invalid-input: .*neither Redis nor Valkey/);
    expect(await refusal(`rediss://127.0.0.1:${web}`)).toMatch(/^invalid-input: .*does not speak TLS/);
    const short = await portOf(createServer((socket) => socket.end()));
    expect(await refusal(`redis://127.0.0.1:${short}`)).toMatch(/^failure: .*ends the connection.*rediss:/);
  });

  it('is retried until a server starts', async () => {
    const later = createServer();
    const port = await portOf(later);
    later.close();
    const failed = connectQueue(address(`redis://127.0.0.1:${port}`), { patienceMs: 600 });
    const begin = performance.now();
    await expect(failed).rejects.toThrow('no program listens');
    expect(performance.now() - begin).toBeGreaterThan(400);
  });
});

describe('the INFO of a server', () => {
  const url = 'redis://queue';
  const info = (facts: Readonly<Record<string, string>>): string =>
    ['# Server', ...Object.entries({ redis_version: '7.2.4', ...facts }).map(([key, value]) => `${key}:${value}`)].join(
      '\r\n',
    );

  it('refuses old servers, clusters and replicas, and warns of eviction', () => {
    expect(checkInfo(info({ role: 'master', maxmemory_policy: 'noeviction' }), url)).toEqual([]);
    expect(checkInfo(info({ redis_version: '6.2.0' }), url)).toEqual([]);
    for (const old of ['6.0.16', '5.0.7', '2.8.0'])
      expect(() => checkInfo(info({ redis_version: old }), url)).toThrow(`Redis ${old}; at least 6.2`);
    expect(() => checkInfo(info({ cluster_enabled: '1' }), url)).toThrow('part of a cluster');
    const replica = { role: 'slave', master_host: 'db', master_port: '6379' };
    expect(() => checkInfo(info(replica), url)).toThrow(
      expect.objectContaining({ hint: 'It copies db:6379: use that one.' }),
    );
    expect(checkInfo(info({ maxmemory_policy: 'allkeys-lru' }), url).join()).toContain('noeviction');
  });
});

describeWithValkey('a connection to the queue server', () => {
  let shared: Valkey;
  beforeAll(async () => {
    shared = await startValkey();
  });
  afterAll(() => shared.stop());

  async function start(options: ValkeyOptions = {}): Promise<Valkey> {
    const valkey = await startValkey(options);
    ends.push(() => valkey.stop());
    return valkey;
  }

  it('says what is missing when the server needs a password', async () => {
    const { url } = await start({ password: 'secret' });
    expect(await refusal(url)).toMatch(
      /^invalid-input: .*does not accept this user and password, or none was given .*NAS_QUEUE_PASSWORD/,
    );
    expect(await refusal(url, { password: 'other' })).toContain('does not accept this user and password');
    expect(await refusal(url, { user: 'bob', password: 'secret' })).toContain('does not accept this user and password');
    expect(await refusal(url, { password: 'secret' })).toBe('connected');
    expect(await refusal(`${url}/99`, { password: 'secret' })).toContain('no database of that number');
  });

  it('works for a user with exactly the documented rights, and names each missing one', async () => {
    const admin = new Redis({ port: shared.port });
    ends.push(() => admin.disconnect());
    const give = async (user: string, ...but: string[]): Promise<void> => {
      const [, , ...rules] = aclFor(user, 'nas').split(' ');
      await admin.call('ACL', 'SETUSER', user, ...rules.map((rule) => rule.replace('PASSWORD', 'secret')), ...but);
    };
    await give('least');
    const least = { user: 'least', password: 'secret' };
    const { redis } = await connect(shared.url, least);
    await expect(redis.get('others')).rejects.toThrow('NOPERM');
    for (const command of ['KEYS', 'FLUSHALL', 'CONFIG', 'ACL'])
      await expect(redis.call(command, '*')).rejects.toThrow(/NOPERM|wrong number|unknown subcommand/i);
    await expect(redis.flushall()).rejects.toThrow('NOPERM');
    expect(await refusal(shared.url, { ...least, prefix: 'others' })).toContain('may not use what the queue needs');
    const lacks: Readonly<Record<string, string>> = {
      '-info': 'info',
      '-xadd': 'xadd',
      '-@scripting': 'eval',
      '-@pubsub': 'publish',
      resetchannels: 'channel',
    };
    for (const [i, [rule, missing]] of Object.entries(lacks).entries()) {
      await give(`user${i}`, rule);
      const text = await refusal(shared.url, { user: `user${i}`, password: 'secret' });
      expect(text).toContain(`the user user${i} may not use what the queue needs: `);
      expect(text).toContain(missing);
      expect(text).toContain(`As an ACL file has it: user user${i} on`);
    }
  });

  it('warns of a server that evicts keys, and refuses a replica', async () => {
    const lossy = await start({ args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'] });
    expect((await connect(lossy.url)).warnings.join()).toContain('maxmemory-policy allkeys-lru');
    const copy = await start({ args: ['--replicaof', '127.0.0.1', String(shared.port)] });
    expect(await refusal(copy.url)).toContain(`It copies 127.0.0.1:${shared.port}`);
  });

  it('refuses a server on another machine without a password, unless insecure is set', async () => {
    // An address of this machine that is not loopback stands for another machine's.
    const open = await start({ args: ['--bind', '0.0.0.0', '--protected-mode', 'no'] });
    const url = `redis://0.0.0.0:${open.port}`;
    expect(await refusal(url)).toMatch(/needs no password: .*--insecure-queue/);
    // Such a server takes any password.
    expect(await refusal(url, { password: 'any' })).toContain('needs no password');
    expect(await refusal(url, { insecure: true })).toBe('connected');
    expect(await refusal(open.url)).toBe('connected');
  });

  it('reconnects when the server is back, and sends the waiting commands', async () => {
    const valkey = await start();
    const connection = await connect(valkey.url);
    const heard: string[] = [];
    await connection.subscribe('nas:channel', (message) => heard.push(message));
    await connection.redis.publish('nas:channel', 'before');
    await expect.poll(() => heard).toEqual(['before']);
    await valkey.kill();
    const late = connection.redis.set('nas:key', 'value');
    await expect.poll(() => connection.redis.status, { interval: 5 }).toBe('reconnecting');
    await valkey.restart({ empty: true });
    expect(await late).toBe('OK');
    await expect.poll(() => connection.redis.publish('nas:channel', 'after')).toBe(1);
    await expect.poll(() => heard).toContain('after');
  });

  it('can be closed at any moment, and waiting commands end', async () => {
    const valkey = await start();
    const connection = await connect(valkey.url);
    await connection.subscribe('nas:channel', () => undefined);
    await valkey.kill();
    const waiting = [connection.redis.get('nas:a'), connection.redis.get('nas:b')].map((answer) =>
      answer.catch(() => 'ended'),
    );
    await expect.poll(() => connection.redis.status, { interval: 5 }).toBe('reconnecting');
    await connection.close();
    // There is no server that could answer.
    expect(await Promise.all(waiting)).toEqual(['ended', 'ended']);
  });
});
