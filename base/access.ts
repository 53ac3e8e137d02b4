/** Who may ask a server of this project: the three checks that each of them makes before it does anything for a request. */
import type { IncomingHttpHeaders } from 'node:http';
import { isOwnHost } from './hosts.js';
import { isSameToken } from './token.js';

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
