import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../base/server.js';

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
