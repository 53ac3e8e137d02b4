import { Redis } from 'ioredis';
import { afterEach, expect, it } from 'vitest';
import { startProxy, type Proxy } from './proxy.js';
import { describeWithValkey, startValkey, type Valkey } from './valkey.js';

describeWithValkey('a queue server of a test', () => {
  let valkey: Valkey | undefined;
  let proxy: Proxy | undefined;
  const clients: Redis[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect();
    await proxy?.close();
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

  it('is reached through a failing network', async () => {
    valkey = await startValkey();
    proxy = await startProxy({ port: valkey.port });
    const client = connect(proxy.port);
    await client.set('key', 'value');
    proxy.set('silent');
    let answered = false;
    const late = client.get('key').then((value) => {
      answered = true;
      return value;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(answered).toBe(false);
    proxy.set('open');
    expect(await late).toBe('value');

    const before = proxy.connections;
    proxy.set('cut');
    const waiting = client.get('key');
    await expect.poll(() => proxy?.connections).toBeGreaterThan(before + 1);
    proxy.set('open');
    expect(await waiting).toBe('value');

    proxy.delayMs = 60;
    const began = performance.now();
    await client.ping();
    // A timer may be early by the time of a turn of the event loop.
    expect(performance.now() - began).toBeGreaterThan(90);
    expect(proxy.bytes.there).toBeGreaterThan(0);
    expect(proxy.bytes.back).toBeGreaterThan(0);
  });
});
