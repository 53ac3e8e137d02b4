import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import { fastifySSE } from '@fastify/sse';
import fastify, { type FastifyInstance } from 'fastify';
import { Refusal } from '../../base/server.js';
import type { Clock } from '../../store/index.js';
import { type Access, checkAccess, isData, securityHeaders } from './access.js';
import { serveAnswers } from './routes.js';
import { serveAssets, serveFiles } from './files.js';
import { refusalOf } from './requests.js';
import { heartbeat, serveStreams } from './streams.js';
import { RunFolder } from './run-folder.js';
import { RunList } from './run-list.js';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { isLoopback, namesOf } from '../../base/server.js';
import { listenOnFirst, portsFrom } from '../../base/server.js';

export interface AppOptions extends Access {
  /** With the workdirs of runs, or the workdir of one. */
  readonly folder: string;
  /** What a browser loads: `dist/ui/app`, absolute. */
  readonly assets: string;
  readonly clock: Clock;
  /** Told of what nobody foresaw. */
  readonly report: (error: unknown) => void;
}

/** Names of folders have up to 255 bytes, each of which may take three characters in an address. */
const longestName = 3 * 255;

/** The server of the page, which does not listen yet. It reads the runs of a folder and writes nothing. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { clock, report } = options;
  const app = fastify({ forceCloseConnections: true, routerOptions: { maxParamLength: longestName } });
  app.setErrorHandler((error, request, reply) => {
    const { status, body, isBug } = refusalOf(error);
    if (isBug) report(error);
    // A person who opens a page reads a sentence; programs read the same as data.
    const isRead = !isData(request) && request.headers.accept?.includes('text/html') === true;
    const { message, hint = '' } = body.error;
    void reply.status(status).header('cache-control', 'no-store');
    return isRead ? reply.type('text/plain; charset=utf-8').send(`${message}\n${hint}\n`) : reply.send(body);
  });
  await app.register(helmet, securityHeaders);
  await app.register(cookie);
  await app.register(fastifySSE, { heartbeatInterval: heartbeat });
  checkAccess(app, options);
  app.setNotFoundHandler(({ url }) => {
    throw new Refusal(404, `there is nothing at ${url}`);
  });
  const folder = new RunFolder(options.folder, clock);
  const list = new RunList(folder, clock);
  serveAnswers(app, { folder, list, clock });
  serveStreams(app, { folder, list, clock, report });
  serveFiles(app, folder);
  await serveAssets(app, options.assets);
  return app;
}

export interface PageOptions {
  /** With the workdirs of runs, or the workdir of one; it need not exist yet. */
  readonly folder: string;
  readonly host: string;
  /** 0: any free one. Default: 6060, or the next one that is free. */
  readonly port?: number;
  /** What everybody must know; required where others than this machine can connect. */
  readonly token?: string;
  /** Names besides this machine's own under which the page is reached, a proxy's for example. */
  readonly names?: readonly string[];
  /** What a browser loads: `dist/ui/app`, absolute. */
  readonly assets: string;
  /** Default: `Date.now`. */
  readonly clock?: Clock;
  /** Told of what nobody foresaw. */
  readonly report: (error: unknown) => void;
}

/** A server of the page that listens. */
export interface PageServer {
  /** `http://127.0.0.1:6060`. */
  readonly address: string;
  /** Ends all connections. */
  readonly close: () => Promise<void>;
}

const firstPort = 6060;

/**
 * Serves the page of all runs in a folder until it is closed.
 * @throws NasError `invalid-input` when the page is not built, the folder is a file, others could connect without a token, or
 *   the address cannot be listened on.
 */
export async function startPage(options: PageOptions): Promise<PageServer> {
  const { folder, host, port, token, names, assets, clock = Date.now, report } = options;
  if (!existsSync(join(assets, 'index.html')))
    throw invalidInput(`${assets}: the page is not built`, { hint: 'npm run build builds it.' });
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === false)
    throw invalidInput(`${folder} is a file`, { hint: 'Give a folder with runs, or the folder of a run.' });
  if (token === undefined && !isLoopback(host))
    throw invalidInput(`a page on ${host} can be seen by others: it needs a token`);
  const access = { names: namesOf(host, names), token: token ?? null };
  const app = await createApp({ ...access, folder, assets, clock, report });
  try {
    const address = await listenOnFirst(host, portsFrom(firstPort, port), (one) => app.listen({ host, port: one }));
    return { address, close: () => app.close() };
  } catch (error) {
    await app.close();
    throw error;
  }
}
