import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { invalidInput, messageOf } from './errors.js';
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Why a server denies a request: the page that sends it, the `Host` header, or a missing token. */
export type Denial = 'origin' | 'host' | 'token';

interface Guard {
  /** Accepted names besides IP addresses (`namesOf`). */
  readonly names: ReadonlySet<string>;
  /** Required in `Authorization: Bearer`; null: none; undefined: not known yet, every request is denied. */
  readonly token: string | null | undefined;
  /** Origins of allowed pages; none by default. */
  readonly origins?: readonly string[];
}

/**
 * Why to deny a request with these headers; null: allow it. Programs send no `Origin`; pages in a browser send one, and could
 * misuse servers that only their reader's machine can reach.
 */
export function denialOf(headers: IncomingHttpHeaders, { names, token, origins = [] }: Guard): Denial | null {
  const { origin, host, authorization = '' } = headers;
  if (origin !== undefined && !origins.includes(origin)) return 'origin';
  if (!isOwnHost(host, names)) return 'host';
  if (token === null) return null;
  // Schemes are case-insensitive (RFC 9110).
  const sent = /^bearer +(.*)$/i.exec(authorization)?.[1];
  return token !== undefined && sent !== undefined && isSameToken(sent, token) ? null : 'token';
}

/** An address without the brackets of IPv6 in URLs. */
export const withoutBrackets = (host: string): string => host.replace(/^\[|\]$/g, '');

/** Whether only programs on this machine can connect to an address. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** Names of a server: this machine's, the address it listens on, and given ones (a proxy's). */
export const namesOf = (host: string, given: readonly string[] = []): ReadonlySet<string> =>
  new Set([hostname(), `${hostname()}.local`, 'localhost', host, ...given].map((name) => name.toLowerCase()));

/** Cache: clients send the same header every time. */
const lastOwn = new WeakMap<ReadonlySet<string>, string>();

/**
 * Whether a `Host` header is an IP address or one of the server's names. Other names may be DNS rebinding: a page whose own
 * name points at this machine would share the server's origin.
 */
export function isOwnHost(header: string | undefined, names: ReadonlySet<string>): boolean {
  if (header !== undefined && lastOwn.get(names) === header) return true;
  const url = `http://${header ?? ''}`;
  const host = URL.canParse(url) ? withoutBrackets(new URL(url).hostname) : '';
  const isOwn = host !== '' && (isIP(host) !== 0 || names.has(host));
  if (isOwn && header !== undefined) lastOwn.set(names, header);
  return isOwn;
}

const highestPort = 65_535;
/** Number of ports to try. */
const tried = 20;

/** @throws NasError `invalid-input` for an invalid port */
export function checkPort(option: string, port: number): void {
  if (!(Number.isInteger(port) && port >= 0 && port <= highestPort))
    throw invalidInput(`${option} ${port}: expected a whole number from 0 to ${highestPort}`);
}

/** The given port; by default ports from `first` on, then any free one. */
export const portsFrom = (first: number, asked?: number): readonly number[] =>
  asked === undefined ? [...Array.from({ length: tried }, (_, i) => first + i), 0] : [asked];

/**
 * Listens on the first free port.
 * @param ports at least one
 * @throws NasError `invalid-input` when all are in use, or the address is not this machine's
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
    const hint = isTaken ? 'Another program listens there; choose another --port.' : 'Choose another --host.';
    throw invalidInput(`cannot listen on ${host}:${port}: ${messageOf(cause)}`, { hint, cause });
  }
}

const shortestToken = 16;

/** A new token of 256 bits in hex. */
export const makeToken = (): string => randomBytes(32).toString('hex');

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Compares in constant time. */
export const isSameToken = (given: string, token: string): boolean => timingSafeEqual(digest(given), digest(token));

/** @throws NasError `invalid-input` when the file has no token */
export function readToken(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw invalidInput(`the token file ${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
  if (text.length >= shortestToken) return text;
  throw invalidInput(`the token file ${file} has ${text.length} characters; at least ${shortestToken} are needed`, {
    hint: 'openssl rand -hex 32 makes a good one.',
  });
}

/** Replaces user names and passwords in the URLs of a text by dots. */
export const hideCredentials = (text: string): string =>
  // Greedy: an unencoded password may contain an @ or a slash.
  text.replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s"']*@/gi, '$1…@');

/** Whether a URL has a user name or password. */
export const hasCredentials = (url: string): boolean => /^[a-z][a-z0-9+.-]*:\/\/[^?#]*@/i.test(url);

/**
 * Reads a body into one buffer. A list of its chunks, each of which may have a single byte, would take many times as much.
 * @throws Refusal when there is more
 */
export async function readBody(request: IncomingMessage, most: number): Promise<Buffer> {
  const tooLarge = new Refusal(413, `the request has more than ${most} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > most) throw tooLarge;
  let body = Buffer.alloc(Math.min(most, 2 ** 12));
  let bytes = 0;
  // The request stays open for the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    const end = bytes + chunk.byteLength;
    if (end > most) throw tooLarge;
    if (end > body.byteLength) body = Buffer.concat([body], Math.min(most, 2 * end));
    body.set(chunk, bytes);
    bytes = end;
  }
  return body.subarray(0, bytes);
}

/** Refuses a request over HTTP. */
export class Refusal extends Error {
  /**
   * @param status HTTP status
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
