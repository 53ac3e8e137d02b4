import { areaOf } from '../../../base/boxes.js';
import { readCoco } from '../boxes/coco.js';
import { findSources, readTexts } from '../boxes/layout.js';
import { drawnMasks } from './drawn.js';
import type { FoundMasks } from './found.js';

/** Reads the polygons and run lengths of COCO JSON; null: there is no such file. @throws NasError `invalid-input` as `readCoco` */
export async function findCocoMasks(path: string): Promise<FoundMasks | null> {
  const { tree, images, formats } = await findSources(path);
  if (formats.coco.length === 0 || images.length === 0) return null;
  const data = readCoco(await readTexts(tree, formats.coco));
  // Small objects lie on large ones; crowds and objects of unknown classes are ignored.
  const sorted = data.images.map((image) => ({
    ...image,
    boxes: [...image.boxes].sort((a, b) => areaOf(b) - areaOf(a)),
  }));
  return drawnMasks(tree, images, { ...data, images: sorted }, formats.coco[0].path);
}
