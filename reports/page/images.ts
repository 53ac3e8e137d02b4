import type { FastifyInstance } from 'fastify';
import { messageOf } from '../../base/errors.js';
import { Refusal } from '../../base/server.js';
import { storedPrecisions } from '../../store/index.js';
import { thumbnail } from '../../experiments/data/thumbnail.js';
import { pictureSide } from '../read-model/seen-pictures.js';
import { classReportOf, type ClassReport } from '../read-model/classes.js';
import { hasToken, type Access } from './access.js';
import { parseTrial } from './requests.js';
import type { RunFolder } from './run-folder.js';

interface Params {
  readonly run: string;
  readonly trial: string;
  readonly precision: string;
  readonly row: string;
}

/** The picture of an image that a report names; null: it names no such image. */
async function pictureOf({ wrong, seen, classes }: Partial<ClassReport>, row: number): Promise<Buffer | null> {
  const image = seen && [...seen.worst, ...seen.sample].find((one) => one.row === row);
  if (seen !== undefined && image !== undefined) {
    const { seenPicture } = await import('../../experiments/data/seen-picture.js');
    const names = (classes ?? []).map(({ name }) => name);
    return seenPicture(seen.directory, image, names, { side: pictureSide });
  }
  if (wrong?.images.some((one) => one.row === row) !== true) return null;
  const { readCachedImage } = await import('../../trainers/data/cache.js');
  const { pixels, ...shape } = readCachedImage(wrong.directory, row);
  return thumbnail(pixels, shape);
}

/**
 * Serves the images that networks take for other classes, or whose boxes they miss, and no others, from the converted data set. They may
 * be private: only requests with the token of images get them.
 */
export function serveImages(app: FastifyInstance, folder: RunFolder, { imageToken }: Access): void {
  app.get<{ Params: Params }>('/api/runs/:run/wrong/:trial/:precision/:row', async (request, reply) => {
    if (imageToken === null || !hasToken(request, imageToken))
      throw new Refusal(403, 'this page does not show images of the data set', 'nas ui --images makes it show them.');
    const { run, ...params } = request.params;
    const [trial, row] = [params.trial, params.row].map(parseTrial);
    const precision = storedPrecisions.find((one) => one === params.precision) ?? 'fp32';
    const report = await folder.run(run).read((store) => classReportOf(store.classResults.of(trial), precision));
    const webp = await pictureOf(report ?? {}, row).catch((error: unknown) => {
      const directory = (report?.seen ?? report?.wrong)?.directory ?? '';
      throw new Refusal(410, `the converted data set in ${directory} cannot be read: ${messageOf(error)}`);
    });
    if (webp === null) throw new Refusal(404, `image ${row} is none that trial ${trial} takes for another class`);
    return reply.header('cache-control', 'private, max-age=3600').type('image/webp').send(webp);
  });
}
