import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import { fastifySSE } from '@fastify/sse';
import fastify, { type FastifyInstance } from 'fastify';
import { Refusal } from '../../base/server.js';
import type { Clock } from '../../store/index.js';
import { checkAccess, isData, type Access } from './access.js';
import { serveAnswers } from './answers.js';
import { serveAssets } from './assets.js';
import { serveFiles } from './files.js';
import { securityHeaders } from './headers.js';
import { refusalOf } from './refusals.js';
import { heartbeat, serveStreams } from './streams.js';
import { RunFolder } from './watch/folder.js';
import { RunList } from './watch/run-list.js';

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
