import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { isLoopback, isOwnHost, namesOf } from '../../base/server.js';

describe('hosts', () => {
  it('knows what others can reach', () => {
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
