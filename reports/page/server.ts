import helmet from '@fastify/helmet';
import { fastifySSE } from '@fastify/sse';
import fastify, { type FastifyInstance } from 'fastify';
import { patientServer } from '../../base/pipelining.js';
import { Refusal, isLoopback, namesOf, listenOnFirst, portsFrom } from '../../base/server.js';
import type { Clock } from '../../store/index.js';
import { type Access, checkAccess, isData, securityHeaders } from './access.js';
import { serveActions } from './actions.js';
import { serveAnswers } from './routes.js';
import { serveAssets, serveFiles } from './files.js';
import { serveImages } from './images.js';
import { refusalOf } from './requests.js';
import { heartbeat, serveStreams } from './streams.js';
import { RunFolder } from './run-folder.js';
import { RunList, serialize } from './run-list.js';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { invalidInput } from '../../base/errors.js';

export interface AppOptions extends Access {
  /** Folder with the workdirs of runs, or one workdir. */
  readonly folder: string;
  /** Folder of the built front end, `dist/ui/app`, absolute. */
  readonly assets: string;
  readonly clock: Clock;
  /** Receives unexpected errors. */
  readonly report: (error: unknown) => void;
}

/** Folder names have up to 255 bytes, each of which takes up to three characters in an address. */
const maxParamLength = 3 * 255;
/** Largest body of a request, in bytes: a note of 4,000 characters with its tags. */
const bodyLimit = 2 ** 15;

/** Creates the server of the page, which does not listen yet. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { clock, report } = options;
  const app = fastify({
    serverFactory: patientServer,
    forceCloseConnections: true,
    bodyLimit,
    routerOptions: { maxParamLength },
  });
  app.setErrorHandler((error, request, reply) => {
    const { status, body, isBug } = refusalOf(error);
    if (isBug) report(error);
    // Browsers that open a page get text, programs JSON.
    const isText = !isData(request) && request.headers.accept?.includes('text/html') === true;
    const { message, hint = '' } = body.error;
    void reply.status(status).header('cache-control', 'no-store');
    return isText ? reply.type('text/plain; charset=utf-8').send(`${message}\n${hint}\n`) : reply.send(body);
  });
  await app.register(helmet, securityHeaders);
  await app.register(fastifySSE, { heartbeatInterval: heartbeat, serializer: serialize });
  checkAccess(app, options);
  app.setNotFoundHandler(({ url }) => {
    throw new Refusal(404, `there is nothing at ${url}`);
  });
  const folder = new RunFolder(options.folder, clock);
  const list = new RunList(folder, clock);
  serveAnswers(app, { folder, list, clock, access: options });
  if (options.changeToken !== null) serveActions(app, folder);
  serveStreams(app, { folder, list, clock, report });
  serveFiles(app, folder);
  serveImages(app, folder, options);
  await serveAssets(app, options.assets);
  return app;
}

export interface PageOptions {
  /** Folder with the workdirs of runs, or one workdir; it may not exist yet. */
  readonly folder: string;
  readonly host: string;
  /** 0: any free one. Default: 6060, or the next one that is free. */
  readonly port?: number;
  /** Required when other machines can connect. */
  readonly token?: string;
  /** Allows requests with this token to change runs; equal to `token` where that is given. Absent: the page only looks. */
  readonly changeToken?: string;
  /** Allows requests with this token to see images of the data set; as `changeToken`. */
  readonly imageToken?: string;
  /** Further host names of the page, for example a proxy's. */
  readonly names?: readonly string[];
  /** Folder of the built front end, `dist/ui/app`, absolute. */
  readonly assets: string;
  /** Default: `Date.now`. */
  readonly clock?: Clock;
  /** Receives unexpected errors. */
  readonly report: (error: unknown) => void;
}

export interface PageServer {
  /** `http://127.0.0.1:6060`. */
  readonly address: string;
  /** Ends all connections. */
  readonly close: () => Promise<void>;
}

const firstPort = 6060;

/**
 * Serves the page of the runs in a folder until it is closed.
 * @throws NasError `invalid-input` when the front end is not built, the folder is a file, other machines could connect
 *   without a token, or the address cannot be used.
 */
export async function startPage(options: PageOptions): Promise<PageServer> {
  const { folder, host, port, token, changeToken, imageToken, names, assets, clock = Date.now, report } = options;
  if (!existsSync(join(assets, 'index.html')))
    throw invalidInput(`${assets}: the page is not built`, { hint: 'npm run build builds it.' });
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === false)
    throw invalidInput(`${folder} is a file`, { hint: 'Give a folder with runs, or the folder of a run.' });
  if (token === undefined && !isLoopback(host))
    throw invalidInput(`a page on ${host} is visible to other machines: it needs a token`);
  const tokens = { token: token ?? null, changeToken: changeToken ?? null, imageToken: imageToken ?? null };
  const access = { names: namesOf(host, names), ...tokens };
  const app = await createApp({ ...access, folder, assets, clock, report });
  try {
    const address = await listenOnFirst(host, portsFrom(firstPort, port), (one) => app.listen({ host, port: one }));
    return { address, close: () => app.close() };
  } catch (error) {
    await app.close();
    throw error;
  }
}
