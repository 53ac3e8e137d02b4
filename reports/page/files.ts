import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../base/server.js';
import { workdirFiles } from '../../runner/stored/workdir.js';
import type { RunFolder } from './run-folder.js';

/** Entries of a workdir that may be downloaded. The database is not one: it changes while it is copied. */
const downloadable: readonly string[] = [workdirFiles.artifacts, workdirFiles.picture, workdirFiles.report];

const notFound = (name: string): Refusal =>
  new Refusal(404, `there is no file ${name}`, 'Models and reports of a run are available once they are written.');

/**
 * The real path of a file in a workdir.
 * @throws Refusal when it leads out of the workdir or is not downloadable.
 */
async function fileOf(workdir: string, path: string): Promise<string> {
  const resolved = async (file: string): Promise<string> => {
    try {
      return await realpath(file);
    } catch {
      // Missing, or not a valid file name.
      throw notFound(path);
    }
  };
  const root = await resolved(workdir);
  const file = await resolved(join(root, path));
  const [first] = relative(root, file).split(sep);
  if (!downloadable.includes(first)) throw notFound(path);
  return file;
}

/** `Content-Disposition` with the name encoded by RFC 8187. */
const dispositionOf = (name: string): string =>
  `attachment; filename*=UTF-8''${encodeURIComponent(name).replaceAll(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)}`;

/** Serves files of runs as downloads, never as pages of this server. */
export function serveFiles(app: FastifyInstance, folder: RunFolder): void {
  app.get<{ Params: { run: string; '*': string } }>('/files/:run/*', async ({ params }, reply) => {
    const path = await fileOf(folder.run(params.run).workdir, params['*']);
    // A link or pipe that replaced the file since `realpath` is refused.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => null);
    const stats = await file?.stat();
    if (file === null || stats?.isFile() !== true) {
      await file?.close();
      throw notFound(params['*']);
    }
    return reply
      .headers({
        'content-disposition': dispositionOf(basename(path)),
        'content-length': stats.size,
        'content-security-policy': "default-src 'none'; sandbox",
        'cache-control': 'no-store',
      })
      .type('application/octet-stream')
      .send(file.createReadStream({ start: 0, end: Math.max(0, stats.size - 1) }));
  });
}

/** A year in ms, for files whose names contain their hash. */
const maxAge = 31_536_000_000;

/**
 * Serves the front end: hashed asset files, compressed where a compressed file exists, and one HTML page for every other
 * address.
 * @param folder `dist/ui/app`, absolute.
 */
export async function serveAssets(app: FastifyInstance, folder: string): Promise<void> {
  await app.register(fastifyStatic, {
    root: join(folder, 'assets'),
    prefix: '/assets/',
    preCompressed: true,
    index: false,
    maxAge,
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
