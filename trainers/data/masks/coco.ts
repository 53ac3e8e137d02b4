import { areaOf } from '../../../base/boxes.js';
import { contentHash } from '../../../base/hash.js';
import { ignoredPixel } from '../../../base/seen-masks.js';
import { readCoco } from '../boxes/coco.js';
import { findSources, readTexts } from '../boxes/layout.js';
import { mergedImages } from '../boxes/read.js';
import { splitsNamed } from '../reading/names.js';
import type { MaskFinding } from './findings.js';
import type { FoundMasks, MaskFile } from './found.js';
import { markSegmentation } from './shapes.js';

/** Reads the polygons and run lengths of COCO JSON; null: there is no such file. @throws NasError `invalid-input` as `readCoco` */
export async function findCocoMasks(path: string): Promise<FoundMasks | null> {
  const { tree, images, formats } = await findSources(path);
  if (formats.coco.length === 0 || images.length === 0) return null;
  const data = readCoco(await readTexts(tree, formats.coco));
  const findings: MaskFinding[] = [];
  const found = mergedImages(images, data, ({ kind, where, detail, image }) => {
    findings.push({ kind: 'orphan', where, detail: kind === 'missing' ? detail : 'listed twice', image });
  });
  const splitOf = splitsNamed(new Set(found.flatMap(({ raw }) => raw.split ?? [])));
  const files = found.map(({ file, raw, boxes }): MaskFile => {
    // Small objects lie on large ones; crowds and objects of unknown classes are ignored.
    const shapes = [...boxes]
      .sort((a, b) => areaOf(b) - areaOf(a))
      .map(({ label, ignored, shape }) => ({
        shape,
        value: ignored || typeof label === 'string' ? ignoredPixel : label + 1,
      }));
    return {
      file,
      mask: { path: raw.where(), stamp: contentHash(shapes) },
      split: raw.split === null ? null : splitOf(raw.split),
      extent: raw.extent,
      draw(extent) {
        const mask = new Uint8Array(extent.width * extent.height);
        for (const { shape, value } of shapes) markSegmentation(shape, extent, (pixel) => (mask[pixel] = value));
        return { width: extent.width, height: extent.height, channels: 1, data: mask, lossy: false };
      },
    };
  });
  const entries = ['background', ...data.classes].map((name, value) => ({ value, name }));
  const table = { name: formats.coco[0].path, isColours: false, entries };
  return { tree, files, findings, notes: [...data.notes], table, convention: null };
}
