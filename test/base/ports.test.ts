import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { listenOnFirst, portsFrom } from '../../base/server.js';

const host = '127.0.0.1';

async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

it('goes on to the next port where a program listens, and says so of the last', async () => {
  const taken = portOf(await listen(0));
  expect(portOf(await listenOnFirst(host, [taken, 0], listen))).not.toBe(taken);
  await expect(listenOnFirst(host, portsFrom(8080, taken), listen)).rejects.toMatchObject({
    code: 'invalid-input',
    message: expect.stringContaining(`cannot listen on 127.0.0.1:${taken}`) as string,
    hint: expect.stringContaining('--port') as string,
  });
});

it('tries no other port where the address is wrong', async () => {
  const asked: number[] = [];
  const failing = (port: number): Promise<never> => {
    asked.push(port);
    return Promise.reject(Object.assign(new Error('no such address'), { code: 'EADDRNOTAVAIL' }));
  };
  await expect(listenOnFirst('203.0.113.1', portsFrom(8080), failing)).rejects.toMatchObject({
    hint: '--host takes another address.',
  });
  expect(asked).toEqual([8080]);
});
