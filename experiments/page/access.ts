import type { FastifyHelmetOptions } from '@fastify/helmet';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isOwnHost, isSameToken, Refusal } from '../../base/server.js';

/**
 * Headers of everything that the server sends. A page may load scripts, styles and data from its own server, and nothing
 * else from anywhere: text of a run that became markup in spite of all would find nothing to run.
 */
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
  // Browsers keep these two, and complain of the first, where TLS is; a proxy that ends it decides.
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  strictTransportSecurity: false,
};

export interface Access {
  /** Under which the server answers, besides addresses (`namesOf`). */
  readonly names: ReadonlySet<string>;
  /** What everybody must know; null: whoever can connect may look. */
  readonly token: string | null;
}

/**
 * Whether a request is for data, which no other site may have a browser fetch: as the router understood it, for which
 * `/%61pi/runs` is `/api/runs`.
 */
export const isData = ({ routeOptions, url }: FastifyRequest): boolean =>
  /^\/(api|files)(\/|$|\?)/.test(routeOptions.url ?? url);

/** Names of cookies are shared by all servers of a host, whatever their ports. */
const cookieName = ({ socket }: FastifyRequest): string => `nas-token-${socket.localPort ?? 0}`;

/** Checks each request before anything else is done for it. */
export function checkAccess(app: FastifyInstance, { names, token }: Access): void {
  app.addHook('onRequest', async (request, reply) => {
    checkMethod(request, reply);
    checkHost(request, names);
    checkOrigin(request);
    if (token !== null) await checkToken(request, reply, token);
  });
}

function checkMethod({ method }: FastifyRequest, reply: FastifyReply): void {
  if (method === 'GET' || method === 'HEAD') return;
  void reply.header('allow', 'GET, HEAD');
  throw new Refusal(405, `${method} is not possible: the page only looks`);
}

function checkHost({ headers: { host } }: FastifyRequest, names: ReadonlySet<string>): void {
  if (isOwnHost(host, names)) return;
  throw new Refusal(
    403,
    `the page is not served as ${host ?? 'a host without a name'}`,
    'nas ui --name NAME makes it answer under a name of yours.',
  );
}

/** No other site may use a browser that can reach this server; a link to a page, or one that is typed, is no such use. */
function checkOrigin(request: FastifyRequest): void {
  const { headers } = request;
  const { origin, host } = headers;
  const isForeign = origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host?.toLowerCase());
  const site = headers['sec-fetch-site'] ?? 'none';
  const isWithin = site === 'same-origin' || site === 'none';
  const isVisit =
    headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document' && !isData(request);
  if (isForeign || !(isWithin || isVisit)) throw new Refusal(403, 'pages of other sites may not use this one');
}

/**
 * The token is in a cookie, in `Authorization`, or, at first, in the address: then it moves to the cookie, which no script
 * can read, and out of the address, which is seen and shared. A browser sends the cookie also where a link of another site
 * leads here (a mail, a chat), as the page could not be opened from there otherwise: all that can be asked is to look, and
 * no other site sees the answer.
 */
async function checkToken(request: FastifyRequest, reply: FastifyReply, token: string): Promise<void> {
  const name = cookieName(request);
  const { pathname, searchParams } = new URL(`http://page${request.url}`);
  const given = searchParams.get('token');
  if (given !== null && isSameToken(given, token)) {
    searchParams.delete('token');
    const rest = searchParams.size === 0 ? '' : `?${searchParams.toString()}`;
    const secure = request.headers['x-forwarded-proto'] === 'https';
    reply.setCookie(name, token, { path: '/', httpOnly: true, sameSite: 'lax', secure });
    // Two slashes at the beginning would lead to another host.
    await reply.header('cache-control', 'no-store').redirect(pathname.replace(/^[/\\]+/, '/') + rest, 303);
    return;
  }
  const known = request.cookies[name] ?? request.headers.authorization?.replace(/^Bearer /, '') ?? '';
  if (!isSameToken(known, token))
    throw new Refusal(401, 'the token is missing or wrong', 'Open the address that nas ui printed, with its token.');
}
