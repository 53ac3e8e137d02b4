import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { invalidInput, messageOf } from '../../../base/errors.js';
import { makeDirectory } from '../../../base/files.js';

const leastToken = 16;

/** Whether only programs on this machine can connect to an address. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

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
  if (!existsSync(file)) writeFileSync(file, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
  chmodSync(file, 0o600);
  return readToken(file);
}

/** The token for an agent on this machine that this user started without one; undefined when there is none. */
export function ownToken(url: string): string | undefined {
  const { hostname, port, protocol } = new URL(url);
  const file = ownTokenFile(port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port));
  return isLoopback(hostname.replace(/^\[|\]$/g, '')) && existsSync(file) ? readToken(file) : undefined;
}

/** @throws NasError `invalid-input` when there is no token in the file. */
export function readToken(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw invalidInput(`the token file ${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
  if (text.length >= leastToken) return text;
  throw invalidInput(`the token file ${file} has ${text.length} characters; at least ${leastToken} are needed`, {
    hint: 'openssl rand -hex 32 makes a good one.',
  });
}
