import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { denialOf, namesOf } from '../../base/server.js';

const names = namesOf('127.0.0.1', ['models.lan']);
const token = 'correct horse battery staple';
const authorization = `Bearer ${token}`;
const origin = 'https://shop.example.com';

describe('what speaks against a request', () => {
  it('is the page, then the name, then the token', () => {
    const guard = { names, token, origins: [origin] };
    expect(denialOf({ host: 'models.lan', authorization, origin }, guard)).toBeNull();
    expect(denialOf({ host: 'models.lan', authorization }, guard)).toBeNull();
    expect(denialOf({ host: 'models.lan', origin }, guard)).toBe('token');
    expect(denialOf({ host: 'evil.example', origin }, guard)).toBe('host');
    expect(denialOf({ host: 'evil.example', origin: 'https://evil.example' }, guard)).toBe('origin');
    expect(denialOf({}, guard)).toBe('host');
  });

  it('is any page where none is allowed, and nothing of the token where there is none', () => {
    expect(denialOf({ host: 'models.lan', authorization, origin }, { names, token })).toBe('origin');
    expect(denialOf({ host: 'models.lan' }, { names, token: null })).toBeNull();
  });

  it('is the token, whatever is sent, as long as nobody knows it', () => {
    fc.assert(
      fc.property(fc.string(), (sent) => {
        expect(denialOf({ host: 'models.lan', authorization: sent }, { names, token: undefined })).toBe('token');
        expect(denialOf({ host: 'models.lan', authorization: `Bearer ${sent}` }, { names, token })).toBe('token');
      }),
    );
    expect(denialOf({ host: 'models.lan', authorization: 'Bearer undefined' }, { names, token: undefined })).toBe(
      'token',
    );
  });
});
