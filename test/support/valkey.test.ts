import { Redis } from 'ioredis';
import { afterEach, expect, it } from 'vitest';
import { describeWithValkey, startValkey, type Valkey } from './valkey.js';

describeWithValkey('a queue server of a test', () => {
  let valkey: Valkey | undefined;
  const clients: Redis[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect();
    await valkey?.stop();
  });

  const connect = (port: number, password?: string): Redis => {
    const client = new Redis({
      host: '127.0.0.1',
      port,
      ...(password !== undefined && { password }),
      retryStrategy: () => 20,
      maxRetriesPerRequest: null,
    });
    client.on('error', () => undefined);
    clients.push(client);
    return client;
  };

  it('keeps its data and port over a kill, and restarts empty on request', async () => {
    valkey = await startValkey({ password: 'secret' });
    const client = connect(valkey.port, 'secret');
    await client.set('key', 'value');
    const before = valkey.pid;
    await valkey.kill();
    expect(() => valkey?.pid).toThrow('does not run');
    await valkey.restart();
    expect(valkey.pid).not.toBe(before);
    expect(await client.get('key')).toBe('value');
    await valkey.restart({ empty: true });
    expect(await client.get('key')).toBeNull();
    await expect(connect(valkey.port).get('key')).rejects.toThrow('NOAUTH');
  });
});
