import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../base/server.js';
import { workdirFiles } from '../stored/workdir.js';
import type { RunFolder } from './run-folder.js';
import fastifyStatic from '@fastify/static';

/** What of a workdir may be downloaded; the history is not among it, whose pages change under who copies them. */
const given: readonly string[] = [workdirFiles.artifacts, workdirFiles.picture, workdirFiles.report];

const none = (name: string): Refusal =>
  new Refusal(404, `there is no file ${name}`, 'Models and reports of a run are at hand once they are written.');

/**
 * The file that a path within a workdir leads to, links resolved.
 * @throws Refusal when it leads out of the workdir, or to what is not given.
 */
async function fileOf(workdir: string, path: string): Promise<string> {
  const resolved = async (file: string): Promise<string> => {
    try {
      return await realpath(file);
    } catch {
      // It does not exist, or its name cannot be one.
      throw none(path);
    }
  };
  const root = await resolved(workdir);
  const file = await resolved(join(root, path));
  const [first] = relative(root, file).split(sep);
  if (!given.includes(first)) throw none(path);
  return file;
}

/** A file name as headers take it: its letters beyond ASCII as RFC 8187 writes them. */
const quoted = (name: string): string =>
  `attachment; filename*=UTF-8''${encodeURIComponent(name).replaceAll(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)}`;

/**
 * Files of runs: as downloads, and never as pages of this server, whatever they hold.
 */
export function serveFiles(app: FastifyInstance, folder: RunFolder): void {
  app.get<{ Params: { run: string; '*': string } }>('/files/:run/*', async ({ params }, reply) => {
    const path = await fileOf(folder.run(params.run).workdir, params['*']);
    // What has taken the file's place meanwhile is not followed, nor waited for.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => null);
    const stats = await file?.stat();
    if (file === null || stats?.isFile() !== true) {
      await file?.close();
      throw none(params['*']);
    }
    return reply
      .headers({
        'content-disposition': quoted(basename(path)),
        'content-length': stats.size,
        'content-security-policy': "default-src 'none'; sandbox",
        'cache-control': 'no-store',
      })
      .type('application/octet-stream')
      .send(file.createReadStream({ start: 0, end: Math.max(0, stats.size - 1) }));
  });
}

/** A year, in ms: what never changes under its name. */
const forever = 31_536_000_000;

/**
 * Serves what a browser loads: files whose names tell their content, and one page that finds out by its address what it is
 * to show. Where a compressed file lies beside, it is sent.
 * @param folder `dist/ui/app`, absolute.
 */
export async function serveAssets(app: FastifyInstance, folder: string): Promise<void> {
  await app.register(fastifyStatic, {
    root: join(folder, 'assets'),
    prefix: '/assets/',
    preCompressed: true,
    index: false,
    maxAge: forever,
    immutable: true,
  });
  for (const data of ['/api/*', '/files/*'])
    app.get(data, ({ url }) => {
      throw new Refusal(404, `there is nothing at ${url}`);
    });
  app.get('/*', (_, reply) =>
    reply.sendFile('index.html', folder, { maxAge: 0, immutable: false }).header('vary', 'accept-encoding'),
  );
}
