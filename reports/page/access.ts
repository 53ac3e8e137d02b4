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
      // Images that need the token are fetched with it, and shown from memory.
      imgSrc: ["'self'", 'data:', 'blob:'],
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
  /** Token that every request for data must carry; null: none is required. */
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

/** Checks method, host, origin and token of every request before its route runs. */
export function checkAccess(app: FastifyInstance, access: Access): void {
  app.addHook('onRequest', (request, reply, done) => {
    checkMethod(request, reply, access);
    checkHost(request, access.names);
    checkOrigin(request);
    checkToken(request, access);
    done();
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

export const hasToken = ({ headers: { authorization = '' } }: FastifyRequest, token: string): boolean =>
  isSameToken(authorization.replace(/^bearer +/i, ''), token);

function checkHost({ headers: { host } }: FastifyRequest, names: ReadonlySet<string>): void {
  if (isOwnHost(host, names)) return;
  throw new Refusal(
    403,
    `the page is not served as ${host ?? 'a host without a name'}`,
    'nas ui --name NAME makes it answer under a name of yours.',
  );
}

/** Refuses requests that pages of other sites make; a followed link to a page is allowed. */
function checkOrigin(request: FastifyRequest): void {
  const { headers, method } = request;
  const { origin, host } = headers;
  const isForeign = origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host?.toLowerCase());
  const site = headers['sec-fetch-site'] ?? 'none';
  const isWithin = site === 'same-origin' || site === 'none';
  const isVisit =
    headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document' && !isData(request);
  if (isForeign || !(isWithin || (isVisit && method !== 'POST')))
    throw new Refusal(403, 'pages of other sites may not use this one');
}

/**
 * Data needs the token in `Authorization`. A cookie would go to the programs on all ports of the host. The page's script takes
 * the token from the printed address and keeps it for its own origin, so the page itself, which has no data, needs none.
 */
function checkToken(request: FastifyRequest, access: Access): void {
  const { token, changeToken } = access;
  const isAllowed =
    request.method === 'POST'
      ? changeToken !== null && hasToken(request, changeToken)
      : token === null || !isData(request) || hasToken(request, token);
  if (!isAllowed)
    throw new Refusal(401, 'the token is missing or wrong', 'Open the address that nas ui printed, with its token.');
}
