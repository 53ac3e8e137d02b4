import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { Turns } from '../../serve/turns.js';

/** Keeps the thread busy for some milliseconds. */
function work(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

it('costly work has a part of each iteration of the event loop', async () => {
  const turns = new Turns();
  let iterations = 0;
  const tick = (): void => {
    iterations++;
    next = setImmediate(tick);
  };
  let next = setImmediate(tick);
  await Promise.all(Array.from({ length: 20 }, () => turns.run('a', () => work(3))));
  clearImmediate(next);
  expect(iterations).toBeGreaterThanOrEqual(19);
});

it('the next work is of the client that had the least', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const ask = (client: string): Promise<void> =>
    turns.run(client, () => {
      order.push(client);
      work(3);
    });
  await Promise.all([...Array.from({ length: 5 }, () => ask('many')), ask('one'), ask('another')]);
  expect(order.slice(0, 4).sort()).toEqual(['another', 'many', 'many', 'one'].sort());
  expect(order.slice(4)).toEqual(['many', 'many', 'many']);
});

it('gives what the work gives, and its error', async () => {
  const turns = new Turns();
  const failing = (): number => {
    throw new Error('no');
  };
  const done = [turns.run('a', () => 1), turns.run('a', () => Promise.resolve(2)), turns.run('a', failing)];
  expect(await Promise.allSettled(done)).toMatchObject([{ value: 1 }, { value: 2 }, { reason: { message: 'no' } }]);
});

it('reading goes on at once until its part of the iteration is used', async () => {
  const turns = new Turns();
  expect(turns.pace('a', 1)).toBeNull();
  expect(turns.pace('a', 1)).toBeNull();
  const waits = turns.pace('a', 1);
  expect(waits).not.toBeNull();
  await waits;
  expect(turns.pace('a', 1)).toBeNull();
});

it('many connections at once do not wait for a piece of work each', async () => {
  const turns = new Turns();
  const count = 40;
  let [accepted, worked] = [0, 0];
  const works: Promise<void>[] = [];
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const all = new Promise<number>((resolve) => {
    server.on('connection', (socket) => {
      turns.arrived();
      accepted++;
      socket.destroy();
      const piece = (): void => {
        worked++;
        work(3);
      };
      works.push(turns.run('many', piece));
      if (accepted === count) resolve(worked);
    });
  });
  const { port } = server.address() as AddressInfo;
  for (let i = 0; i < count; i++) connect({ port, host: '127.0.0.1' }).on('error', () => undefined);
  expect(await all).toBeLessThan(count / 4);
  await Promise.all(works);
  expect(worked).toBe(count);
  server.close();
});
