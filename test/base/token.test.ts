import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isSameToken, makeToken, readToken } from '../../base/server.js';
import { temporaryFolder } from '../support/temporary.js';

it('makes tokens that nobody guesses, and compares them whole', () => {
  const token = makeToken();
  expect(token).toMatch(/^[\da-f]{64}$/);
  expect(makeToken()).not.toBe(token);
  expect(isSameToken(token, token)).toBe(true);
  for (const other of ['', token.slice(1), `${token}0`, token.toUpperCase()])
    expect(isSameToken(other, token)).toBe(false);
});

it('reads the token of a file, and takes no short one', () => {
  const file = join(temporaryFolder(), 'token');
  writeFileSync(file, '  correct horse battery staple\n');
  expect(readToken(file)).toBe('correct horse battery staple');
  writeFileSync(file, 'short\n');
  expect(() => readToken(file)).toThrow(/has 5 characters; at least 16/);
});
