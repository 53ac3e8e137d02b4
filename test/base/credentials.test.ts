import { describe, expect, it } from 'vitest';
import { hasCredentials, hideCredentials } from '../../base/server.js';

describe('names and passwords in addresses', () => {
  it.each([
    ['redis://:hunter2@10.0.0.5:6379', 'redis://…@10.0.0.5:6379'],
    ['redis://nas:hunter2@10.0.0.5', 'redis://…@10.0.0.5'],
    ['rediss://nas:hunt@er/2@host/0', 'rediss://…@host/0'],
    ['--set workers.url=redis://a:hunter2@b --x http://c:hunter2@d', '--set workers.url=redis://…@b --x http://…@d'],
    ['{"url":"redis://a:hunter2@b","user":"x@y"}', '{"url":"redis://…@b","user":"x@y"}'],
  ])('are not in %s any more', (text, hidden) => {
    expect(hideCredentials(text)).toBe(hidden);
    expect(hideCredentials(text)).not.toContain('hunt');
  });

  it('leave alone what has none', () => {
    for (const text of ['redis://10.0.0.5:6379', 'nas: a@b.c', '@0/weights.bin', 'trial 3 @ 5 ms', ''])
      expect(hideCredentials(text)).toBe(text);
  });

  it('are seen in an address', () => {
    for (const url of ['redis://a@b', 'redis://:p@b:1', 'redis://a:p/q@b']) expect(hasCredentials(url)).toBe(true);
    for (const url of ['redis://b', 'redis://b:1/0', 'rediss://[::1]:6379', 'redis://b?x=a@b', 'nonsense'])
      expect(hasCredentials(url)).toBe(false);
  });
});
