import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NasError } from '../../base/errors.js';
import { queueAddress } from '../../workers/connection.js';
import { temporaryFolder } from '../support/temporary.js';

const config = { url: 'redis://10.0.0.5:6379', prefix: 'nas', insecure: false };

describe('the address of a queue server', () => {
  it('takes user and password from the environment or a file', () => {
    const file = join(temporaryFolder(), 'password');
    writeFileSync(file, ' from the file\n');
    const env = { NAS_QUEUE_USER: 'bob', NAS_QUEUE_PASSWORD: 'from the environment' };
    expect(queueAddress(config, {})).toEqual({ ...config, user: undefined, password: undefined, ca: undefined });
    expect(queueAddress(config, env)).toMatchObject({ user: 'bob', password: 'from the environment' });
    expect(queueAddress({ ...config, user: 'eve', password_file: file }, env)).toMatchObject({
      user: 'eve',
      password: 'from the file',
    });
    // A variable that is set to nothing is not set.
    expect(queueAddress(config, { NAS_QUEUE_USER: '', NAS_QUEUE_PASSWORD: '' })).toMatchObject({ user: undefined });
  });

  it('may name a database and nothing else; errors say what is wrong', () => {
    const messageFor = (url: string, more: object = {}): string => {
      try {
        queueAddress({ ...config, url, ...more }, {});
        return 'good';
      } catch (error) {
        if (!(error instanceof NasError)) throw error;
        return `${error.message} (${error.hint ?? ''})`;
      }
    };
    expect(queueAddress({ ...config, url: 'rediss://[::1]:6380/' }, {}).url).toBe('rediss://[::1]:6380');
    expect(messageFor('redis://queue/3')).toBe('good');
    expect(messageFor('redis://queue/three')).toContain('at most the number of a database');
    expect(messageFor('redis://queue?family=6')).toContain('at most the number of a database');
    expect(messageFor('http://queue:6379')).toContain('http://queue:6379 is not the address of a queue server');
    expect(messageFor('queue:6379')).toContain('is not the address of a queue server');
    expect(messageFor('redis://queue', { user: 'bob' })).toMatch(/bob .* has no password .*NAS_QUEUE_PASSWORD/);
    expect(messageFor('redis://queue', { password_file: '/nowhere/at all' })).toContain('/nowhere/at all');
  });

  it('repeats no password that an address holds', () => {
    const secret = fc.stringMatching(/^[a-z0-9%/@:?#]{4,12}$/).map((text) => `s3cret${text}`);
    fc.assert(
      fc.property(secret, (password) => {
        const url = `redis://:${password}@queue:6379`;
        expect(() => queueAddress({ ...config, url }, {})).toThrow(NasError);
        expect(() => queueAddress({ ...config, url }, {})).not.toThrow(/s3cret/);
      }),
    );
  });
});
