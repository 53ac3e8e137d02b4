import { outcomeText } from '../../base/seen-images.js';
import type { SheetImage } from '../../experiments/data/sheet.js';
import type { ClassReport, ReportData } from './data.js';

/** Images with the boxes or pixels of each network of a frontier, in its order. */
export type ReportPictures = readonly (readonly SheetImage[])[];

/** Most networks with pictures, and pictures of a network. */
const most = { networks: 6, pictures: 9 };
/** Pixels of a picture's longer side. */
export const pictureSide = 384;

async function picturesOf({ seen, classes }: ClassReport): Promise<SheetImage[]> {
  const { seenPicture } = await import('../../experiments/data/seen-picture.js');
  if (seen === undefined) return [];
  const names = classes.map(({ name }) => name);
  const drawn: SheetImage[] = [];
  for (const image of seen.worst.slice(0, most.pictures)) {
    const webp = await seenPicture(seen.directory, image, names, { side: pictureSide });
    drawn.push({
      path: image.path ?? `image ${image.row} of the data set`,
      detail: outcomeText(image, names),
      webp: webp.toString('base64'),
    });
  }
  return drawn;
}

/**
 * Draws the worst images of the networks of a frontier with their boxes or pixels; none for other tasks, and where the converted images are
 * gone: the results stay, without pictures.
 */
export async function collectPictures({ frontier }: ReportData): Promise<ReportPictures> {
  const all: (readonly SheetImage[])[] = [];
  for (const [i, { classes }] of frontier.entries())
    all.push(classes === undefined || i >= most.networks ? [] : await picturesOf(classes).catch(() => []));
  return all;
}
