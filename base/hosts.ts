/** Under which names a server on this machine answers: whoever asks for another was led here by somebody else's name. */
import { isIP } from 'node:net';
import { hostname } from 'node:os';

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
