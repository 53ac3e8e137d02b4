import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  denialOf,
  hasCredentials,
  hideCredentials,
  isLoopback,
  isOwnHost,
  isSameToken,
  listenOnFirst,
  makeToken,
  namesOf,
  portsFrom,
  readToken,
} from '../../base/server.js';
import { hostname } from 'node:os';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../support/temporary.js';

const names = namesOf('127.0.0.1', ['models.lan']);
const token = 'correct horse battery staple';
const authorization = `Bearer ${token}`;
const origin = 'https://site.example.com';

describe('the denial of a request', () => {
  it('names the page first, then the host, then the token', () => {
    const guard = { names, token, origins: [origin] };
    expect(denialOf({ host: 'models.lan', authorization, origin }, guard)).toBeNull();
    expect(denialOf({ host: 'models.lan', authorization }, guard)).toBeNull();
    expect(denialOf({ host: 'models.lan', origin }, guard)).toBe('token');
    expect(denialOf({ host: 'evil.example', origin }, guard)).toBe('host');
    expect(denialOf({ host: 'evil.example', origin: 'https://evil.example' }, guard)).toBe('origin');
    expect(denialOf({}, guard)).toBe('host');
  });

  it('names any page where none is allowed, and no token where none is set', () => {
    expect(denialOf({ host: 'models.lan', authorization, origin }, { names, token })).toBe('origin');
    expect(denialOf({ host: 'models.lan' }, { names, token: null })).toBeNull();
  });

  it('names the token for every request while the token is unknown', () => {
    fc.assert(
      fc.property(fc.string(), (sent) => {
        expect(denialOf({ host: 'models.lan', authorization: sent }, { names, token: undefined })).toBe('token');
        expect(denialOf({ host: 'models.lan', authorization: `Bearer ${sent}` }, { names, token })).toBe('token');
      }),
    );
    const sent = { host: 'models.lan', authorization: 'Bearer undefined' };
    expect(denialOf(sent, { names, token: undefined })).toBe('token');
  });
});

describe('hosts', () => {
  it('knows loopback addresses from reachable ones', () => {
    expect(['127.0.0.1', '127.1.2.3', '::1', 'localhost'].filter(isLoopback)).toHaveLength(4);
    expect(['0.0.0.0', '::', '192.168.1.4', '127.example.com', 'example.com', ''].filter(isLoopback)).toEqual([]);
  });

  it('answers under addresses and its own names only', () => {
    const names = namesOf('0.0.0.0', ['Board.lan']);
    const isOwn = (header?: string): boolean => isOwnHost(header, names);
    expect(['127.0.0.1:1', '[::1]:7700', 'localhost', 'BOARD.lan:80', hostname(), '10.0.0.1'].every(isOwn)).toBe(true);
    expect(['evil.example', 'board.lan.evil.example:80', '', ':80', 'a b', '127.0.0.1.nip.io'].some(isOwn)).toBe(false);
    expect(isOwn(undefined)).toBe(false);
  });
});

const host = '127.0.0.1';

async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

it('takes the next port where another program listens, and fails on the last one', async () => {
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
  const listening = listenOnFirst('203.0.113.1', portsFrom(8080), failing);
  await expect(listening).rejects.toMatchObject({ hint: 'Choose another --host.' });
  expect(asked).toEqual([8080]);
});

it('makes random tokens, and compares them whole', () => {
  const token = makeToken();
  expect(token).toMatch(/^[\da-f]{64}$/);
  expect(makeToken()).not.toBe(token);
  expect(isSameToken(token, token)).toBe(true);
  for (const other of ['', token.slice(1), `${token}0`, token.toUpperCase()])
    expect(isSameToken(other, token)).toBe(false);
});

it('reads a token from a file, and refuses a short one', () => {
  const file = join(temporaryFolder(), 'token');
  writeFileSync(file, '  correct horse battery staple\n');
  expect(readToken(file)).toBe('correct horse battery staple');
  writeFileSync(file, 'short\n');
  expect(() => readToken(file)).toThrow(/has 5 characters; at least 16/);
});

describe('names and passwords in addresses', () => {
  it.each([
    ['redis://:hunter2@10.0.0.5:6379', 'redis://…@10.0.0.5:6379'],
    ['redis://nas:hunter2@10.0.0.5', 'redis://…@10.0.0.5'],
    ['rediss://nas:hunt@er/2@host/0', 'rediss://…@host/0'],
    ['--set workers.url=redis://a:hunter2@b --x http://c:hunter2@d', '--set workers.url=redis://…@b --x http://…@d'],
    ['{"url":"redis://a:hunter2@b","user":"x@y"}', '{"url":"redis://…@b","user":"x@y"}'],
  ])('are hidden in %s', (text, hidden) => {
    expect(hideCredentials(text)).toBe(hidden);
    expect(hideCredentials(text)).not.toContain('hunt');
  });

  it('hide nothing in other texts', () => {
    for (const text of ['redis://10.0.0.5:6379', 'nas: a@b.c', '@0/weights.bin', 'trial 3 @ 5 ms', ''])
      expect(hideCredentials(text)).toBe(text);
  });

  it('are found in an address', () => {
    for (const url of ['redis://a@b', 'redis://:p@b:1', 'redis://a:p/q@b']) expect(hasCredentials(url)).toBe(true);
    for (const url of ['redis://b', 'redis://b:1/0', 'rediss://[::1]:6379', 'redis://b?x=a@b', 'nonsense'])
      expect(hasCredentials(url)).toBe(false);
  });
});
