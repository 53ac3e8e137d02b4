import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { invalidInput, messageOf } from './errors.js';
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Who may ask a server of this project: the three checks that each of them makes before it does anything for a request. */

/** What speaks against a request: the page that sends it, the name that it was sent to, or the token that it lacks. */
export type Denial = 'origin' | 'host' | 'token';

export interface Guard {
  /** Under which the server answers, besides addresses (`namesOf`). */
  readonly names: ReadonlySet<string>;
  /** What `Authorization: Bearer` must say; null: nothing; undefined: not known yet, and nobody may ask. */
  readonly token: string | null | undefined;
  /** Origins whose pages may ask; none by default. */
  readonly origins?: readonly string[];
}

/**
 * What speaks against a request with these headers; null: nothing. Programs send no `Origin`, pages in a browser do, and
 * could use what only their reader's machine can reach.
 */
export function denialOf(headers: IncomingHttpHeaders, { names, token, origins = [] }: Guard): Denial | null {
  const { origin, host, authorization = '' } = headers;
  if (origin !== undefined && !origins.includes(origin)) return 'origin';
  if (!isOwnHost(host, names)) return 'host';
  if (token === null) return null;
  return token !== undefined && isSameToken(authorization, `Bearer ${token}`) ? null : 'token';
}

/** Under which names a server on this machine answers: whoever asks for another was led here by somebody else's name. */

/** An address as URLs write it without the brackets of IPv6. */
export const withoutBrackets = (host: string): string => host.replace(/^\[|\]$/g, '');

/** Whether only programs on this machine can connect to an address. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** The names of a server: this machine's, the one that it listens on, and those that it was given (a proxy's). */
export const namesOf = (host: string, given: readonly string[] = []): ReadonlySet<string> =>
  new Set([hostname(), `${hostname()}.local`, 'localhost', host, ...given].map((name) => name.toLowerCase()));

/** The last header that was one of these names: clients ask by the same again and again. */
const lastOwn = new WeakMap<ReadonlySet<string>, string>();

/**
 * Whether a server may answer a request with this `Host` header. A page in a browser can have its own name point at any
 * machine (DNS rebinding), and would then be of the same origin as the server; it cannot have an address point elsewhere.
 */
export function isOwnHost(header: string | undefined, names: ReadonlySet<string>): boolean {
  if (header !== undefined && lastOwn.get(names) === header) return true;
  const url = `http://${header ?? ''}`;
  const host = URL.canParse(url) ? withoutBrackets(new URL(url).hostname) : '';
  const isOwn = host !== '' && (isIP(host) !== 0 || names.has(host));
  if (isOwn && header !== undefined) lastOwn.set(names, header);
  return isOwn;
}

/** On which port a server of this machine listens. */

const most = 65_535;
/** Ports after the first that are tried. */
const tried = 20;

/** @throws NasError `invalid-input` for what is no port. */
export function checkPort(option: string, port: number): void {
  if (!(Number.isInteger(port) && port >= 0 && port <= most))
    throw invalidInput(`${option} ${port}: expected a whole number from 0 to ${most}`);
}

/** The port that is asked for; without one, some from `first` on, and then any that is free. */
export const portsFrom = (first: number, asked?: number): readonly number[] =>
  asked === undefined ? [...Array.from({ length: tried }, (_, i) => first + i), 0] : [asked];

/**
 * Listens on the first port on which no other program does.
 * @param ports at least one
 * @param listen on one of them
 * @throws NasError `invalid-input` when all are taken, or the address is none of this machine's
 */
export async function listenOnFirst<T>(
  host: string,
  ports: readonly number[],
  listen: (port: number) => Promise<T>,
): Promise<T> {
  const [port, ...others] = ports;
  try {
    return await listen(port);
  } catch (cause) {
    const isTaken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
    if (isTaken && others.length > 0) return listenOnFirst(host, others, listen);
    const hint = isTaken
      ? 'Another program listens there; --port takes another number.'
      : '--host takes another address.';
    throw invalidInput(`cannot listen on ${host}:${port}: ${messageOf(cause)}`, { hint, cause });
  }
}

/** The word that whoever uses a server must know. */

const leastToken = 16;

/** A new token of 256 bits, in characters that stand in addresses as they are. */
export const makeToken = (): string => randomBytes(32).toString('hex');

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether two texts are the same; takes as long for a wrong token as for the right one. */
export const isSameToken = (given: string, token: string): boolean => timingSafeEqual(digest(given), digest(token));

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

/** A text with what stands before the `@` of the addresses in it replaced by dots: names and passwords are not printed. */
export const hideCredentials = (text: string): string =>
  // Greedy: a password that was not encoded may hold an @, or a slash.
  text.replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s"']*@/gi, '$1…@');

/** Whether an address has a name or a password before its host. */
export const hasCredentials = (url: string): boolean => /^[a-z][a-z0-9+.-]*:\/\/[^?#]*@/i.test(url);

/** A request over HTTP that is not answered, and why. */
export class Refusal extends Error {
  /**
   * @param status of HTTP
   * @param hint what the client can do about it, as a full sentence
   */
  constructor(
    readonly status: number,
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}
