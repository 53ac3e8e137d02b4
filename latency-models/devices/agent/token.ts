import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { makeDirectory } from '../../../base/files.js';
import { isLoopback, makeToken, readToken, withoutBrackets } from '../../../base/server.js';

/**
 * Where the token of an agent lies that was started without one. It is a place of the user, whatever caches a program
 * works with.
 */
export function ownTokenFile(port: number): string {
  const variable = process.env['XDG_STATE_HOME'] ?? '';
  return join(variable === '' ? join(homedir(), '.local', 'state') : variable, 'nas', 'agents', `${port}.token`);
}

/** The token in a file that only its user can read; it is made when missing, and so the same after a restart. */
export function keepToken(file: string): string {
  makeDirectory(dirname(file));
  if (!existsSync(file)) writeFileSync(file, `${makeToken()}\n`, { mode: 0o600, flag: 'wx' });
  chmodSync(file, 0o600);
  return readToken(file);
}

/** The token for an agent on this machine that this user started without one; undefined when there is none. */
export function ownToken(url: string): string | undefined {
  const { hostname, port, protocol } = new URL(url);
  const file = ownTokenFile(port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port));
  return isLoopback(withoutBrackets(hostname)) && existsSync(file) ? readToken(file) : undefined;
}
