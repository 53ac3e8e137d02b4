import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import type { RunEvent } from '../../../runner/events.js';
import { startProxy, type Proxy, type ProxyState, type ProxyTarget } from '../../support/proxy.js';
import { describeWithValkey, freePort } from '../../support/valkey.js';
import { runInside } from '../../runner/inside.js';
import { brief } from './machines.js';
import { preparePlace } from './place.js';
import { queueAt, retriesOf, runQueued, writeTrainings } from './searches.js';

/** One training that a failure meets. */
const long = {
  train: '{ epochs: 6, batch: 32, checkpoint_seconds: 0.1 }',
  search: '{ controller: random, trials: 1, parallel: 1, retries: 3 }',
};

describeWithValkey('a network that fails', () => {
  const place = preparePlace();
  const proxies: Proxy[] = [];
  afterEach(() => Promise.all(proxies.splice(0).map((proxy) => proxy.close())));
  const proxyTo = async (target: ProxyTarget): Promise<Proxy> => {
    const proxy = await startProxy(target);
    proxies.push(proxy);
    return proxy;
  };

  let found: ReturnType<typeof runInside> | undefined;
  /** The findings on one machine, the same for all tests: their experiments differ in names and addresses only. */
  const reference = async (file: string) =>
    (await (found ??= runInside(file, join(place.directory, 'reference')))).expected;

  /** Makes a network fail once, from the end of a trial's second epoch on. */
  const failing = (proxy: Proxy, state: ProxyState, seconds: number) => {
    let over: Promise<void> | undefined;
    const fail = async () => {
      proxy.set(state);
      await sleep(seconds * 1000);
      proxy.set('open');
    };
    return {
      observe: (event: RunEvent) => {
        if (event.kind === 'trial-epoch' && event.epoch === 1) over ??= fail();
      },
      over: async () => {
        expect(over, 'the network failed').toBeDefined();
        await over;
      },
    };
  };

  it.each(['cut', 'silent'] as const)(
    'between a worker and the server, for less than a worker is waited for (%s), costs no attempt',
    async (state) => {
      const { directory, valkey, machines } = place;
      const file = writeTrainings(directory, queueAt(valkey.url), { name: `short-${state}`, ...long });
      const expected = await reference(file);
      const proxy = await proxyTo({ port: valkey.port });
      const worker = machines.worker(`redis://127.0.0.1:${proxy.port}`, { silence: 24 });
      await machines.ready(valkey.url, worker);
      // It reports every six seconds: one report is lost.
      const network = failing(proxy, state, 7);
      const { found, events } = await runQueued({ file, workdir: join(directory, `short-${state}`) }, network.observe);
      await network.over();
      expect(found).toEqual(expected);
      expect(retriesOf(events)).toEqual([]);
    },
  );

  it('between a worker and the server for long: other workers continue, and its late results are dropped', async () => {
    const { directory, valkey, machines } = place;
    const file = writeTrainings(directory, queueAt(valkey.url), { name: 'long', ...long });
    const expected = await reference(file);
    const proxy = await proxyTo({ port: valkey.port });
    const lonely = machines.worker(`redis://127.0.0.1:${proxy.port}`, { silence: brief });
    await machines.ready(valkey.url, lonely);
    const network = failing(proxy, 'cut', 2 * brief);
    let other = lonely;
    const { found, events } = await runQueued({ file, workdir: join(directory, 'long') }, (event) => {
      if (event.kind === 'trial-epoch' && other === lonely) other = machines.worker(valkey.url, { silence: brief });
      network.observe(event);
    });
    await network.over();
    expect(found).toEqual(expected);
    expect(retriesOf(events).length).toBeGreaterThan(0);
    expect(lonely.isRunning(), lonely.output).toBe(true);
  });

  it.each(['cut', 'silent'] as const)('between workers and the coordinator (%s) only delays them', async (state) => {
    const { directory, valkey } = place;
    const port = await freePort();
    const proxy = await proxyTo({ port });
    const artifacts = `, artifacts: { listen: "127.0.0.1:${port}", url: "http://127.0.0.1:${proxy.port}" }`;
    const file = writeTrainings(directory, queueAt(valkey.url, artifacts), { name: `files-${state}`, ...long });
    const expected = await reference(file);
    await place.workers({});
    const network = failing(proxy, state, 4);
    const { found, events } = await runQueued({ file, workdir: join(directory, `files-${state}`) }, network.observe);
    await network.over();
    expect(found).toEqual(expected);
    expect(retriesOf(events)).toEqual([]);
    expect(proxy.bytes.there).toBeGreaterThan(0);
  });

  it('between the coordinator and the server loses no progress', async () => {
    const { directory, valkey } = place;
    const proxy = await proxyTo({ port: valkey.port });
    const file = writeTrainings(directory, queueAt(`redis://127.0.0.1:${proxy.port}`), {
      name: 'coordinator',
      ...long,
    });
    const expected = await reference(file);
    await place.workers({});
    const network = failing(proxy, 'cut', 4);
    const { found, events } = await runQueued({ file, workdir: join(directory, 'coordinator') }, network.observe);
    await network.over();
    expect(found).toEqual(expected);
    expect(retriesOf(events)).toEqual([]);
  });
});
