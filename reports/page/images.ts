import type { FastifyInstance } from 'fastify';
import { messageOf } from '../../base/errors.js';
import { Refusal } from '../../base/server.js';
import { storedPrecisions } from '../../store/index.js';
import { thumbnail } from '../../experiments/data/thumbnail.js';
import { classReportOf } from '../read-model/classes.js';
import { hasToken, type Access } from './access.js';
import { parseTrial } from './requests.js';
import type { RunFolder } from './run-folder.js';

interface Params {
  readonly run: string;
  readonly trial: string;
  readonly precision: string;
  readonly row: string;
}

/**
 * Serves the images that networks take for other classes, and no others, from the converted data set. They may be private: only
 * requests with the token of images get them.
 */
export function serveImages(app: FastifyInstance, folder: RunFolder, { imageToken }: Access): void {
  app.get<{ Params: Params }>('/api/runs/:run/wrong/:trial/:precision/:row', async (request, reply) => {
    if (imageToken === null || !hasToken(request, imageToken))
      throw new Refusal(403, 'this page does not show images of the data set', 'nas ui --images makes it show them.');
    const { run, ...params } = request.params;
    const [trial, row] = [params.trial, params.row].map(parseTrial);
    const precision = storedPrecisions.find((one) => one === params.precision) ?? 'fp32';
    const wrong = await folder.run(run).read((store) => classReportOf(store.classResults.of(trial), precision)?.wrong);
    if (wrong?.images.some((image) => image.row === row) !== true)
      throw new Refusal(404, `image ${row} is none that trial ${trial} takes for another class`);
    const { readCachedImage } = await import('../../trainers/data/cache.js');
    try {
      const { pixels, ...shape } = readCachedImage(wrong.directory, row);
      const webp = await thumbnail(pixels, shape);
      return await reply.header('cache-control', 'private, max-age=3600').type('image/webp').send(webp);
    } catch (error) {
      throw new Refusal(410, `the converted data set in ${wrong.directory} cannot be read: ${messageOf(error)}`);
    }
  });
}
