import type { FastifyHelmetOptions } from '@fastify/helmet';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isOwnHost, isSameToken, Refusal } from '../../base/server.js';

/** Headers of every response. A page loads scripts, styles and data from its own server only, which stops injected markup. */
export const securityHeaders: FastifyHelmetOptions = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      fontSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  frameguard: { action: 'deny' },
  // These need TLS; the proxy that terminates it sets them.
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  strictTransportSecurity: false,
};

export interface Access {
  /** Host names under which the server answers, besides IP addresses (`namesOf`). */
  readonly names: ReadonlySet<string>;
  /** Token that every request must carry; null: none is required. */
  readonly token: string | null;
  /** Token of requests that change runs; null: the page only looks. */
  readonly changeToken: string | null;
  /** Token of requests for images of the data set; null: the page shows none. */
  readonly imageToken: string | null;
}

/**
 * Whether a request is for data, which other sites must not fetch. Uses the route that matched, as `/%61pi/runs` is
 * `/api/runs` to the router.
 */
export const isData = ({ routeOptions, url }: FastifyRequest): boolean =>
  /^\/(api|files)(\/|$|\?)/.test(routeOptions.url ?? url);

/** Cookies are shared by all ports of a host, so the name holds the port. */
const cookieName = ({ socket }: FastifyRequest): string => `nas-token-${socket.localPort ?? 0}`;

/** Checks method, host, origin and token of every request before its route runs. */
export function checkAccess(app: FastifyInstance, access: Access): void {
  app.addHook('onRequest', async (request, reply) => {
    checkMethod(request, reply, access);
    checkHost(request, access.names);
    checkOrigin(request);
    await checkToken(request, reply, access);
  });
}

const looks: readonly string[] = ['GET', 'HEAD'];

function checkMethod({ method }: FastifyRequest, reply: FastifyReply, { changeToken }: Access): void {
  const methods = changeToken === null ? looks : [...looks, 'POST'];
  if (methods.includes(method)) return;
  void reply.header('allow', methods.join(', '));
  const why = changeToken === null ? 'the page only looks' : 'the page does not know it';
  throw new Refusal(405, `${method} is not possible: ${why}`);
}

export const hasToken = (request: FastifyRequest, token: string): boolean => isSameToken(knownToken(request), token);

/** Whether a request carries the token of changes. */
export const mayChange = (request: FastifyRequest, { changeToken }: Access): boolean =>
  changeToken !== null && hasToken(request, changeToken);

const knownToken = (request: FastifyRequest): string =>
  request.cookies[cookieName(request)] ?? request.headers.authorization?.replace(/^Bearer /, '') ?? '';

function checkHost({ headers: { host } }: FastifyRequest, names: ReadonlySet<string>): void {
  if (isOwnHost(host, names)) return;
  throw new Refusal(
    403,
    `the page is not served as ${host ?? 'a host without a name'}`,
    'nas ui --name NAME makes it answer under a name of yours.',
  );
}

/**
 * Refuses requests that pages of other sites make; a followed link to a page is allowed. A browser's POST says its origin,
 * so one without it needs the token in a header, which other sites cannot set.
 */
function checkOrigin(request: FastifyRequest): void {
  const { headers, method } = request;
  const { origin, host } = headers;
  const isForeign = origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host?.toLowerCase());
  const site = headers['sec-fetch-site'] ?? 'none';
  const isWithin = site === 'same-origin' || site === 'none';
  const isVisit =
    headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document' && !isData(request);
  const isUnknown = method === 'POST' && origin === undefined && headers.authorization === undefined;
  if (isForeign || isUnknown || !(isWithin || (isVisit && method !== 'POST')))
    throw new Refusal(403, 'pages of other sites may not use this one');
}

/**
 * The token is in a cookie, in `Authorization`, or first in the address. From the address it moves to a cookie that scripts
 * cannot read, as addresses get shared. The cookie is `SameSite=Lax`, so that links in a mail or chat open the page; other
 * sites' POST does not carry it, and other sites cannot see the answers.
 */
async function checkToken(request: FastifyRequest, reply: FastifyReply, access: Access): Promise<void> {
  const name = cookieName(request);
  const { pathname, searchParams } = new URL(`http://page${request.url}`);
  const given = searchParams.get('token');
  const token = access.token ?? access.changeToken ?? access.imageToken;
  if (request.method !== 'POST' && given !== null && token !== null && isSameToken(given, token)) {
    searchParams.delete('token');
    const rest = searchParams.size === 0 ? '' : `?${searchParams.toString()}`;
    const secure = request.headers['x-forwarded-proto'] === 'https';
    reply.setCookie(name, token, { path: '/', httpOnly: true, sameSite: 'lax', secure });
    // A path that starts with two slashes names another host.
    await reply.header('cache-control', 'no-store').redirect(pathname.replace(/^[/\\]+/, '/') + rest, 303);
    return;
  }
  const isAllowed =
    request.method === 'POST' ? mayChange(request, access) : access.token === null || hasToken(request, access.token);
  if (!isAllowed)
    throw new Refusal(401, 'the token is missing or wrong', 'Open the address that nas ui printed, with its token.');
}
