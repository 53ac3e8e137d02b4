import { ignoredPixel } from '../../../base/seen-masks.js';
import { contentHash } from '../../../base/hash.js';
import type { RawData } from '../boxes/raw.js';
import { mergedImages } from '../boxes/read.js';
import type { FileTree, StoredFile } from '../reading/files.js';
import { splitsNamed } from '../reading/names.js';
import type { MaskFinding } from './findings.js';
import type { FoundMasks, MaskFile } from './found.js';
import { markSegmentation } from './shapes.js';

/**
 * The masks of shapes, later ones on earlier ones, with `background` around them.
 * @param name what names the classes, for messages
 */
export function drawnMasks(
  tree: FileTree,
  images: readonly StoredFile[],
  data: Pick<RawData, 'images' | 'classes' | 'notes'>,
  name: string,
): FoundMasks {
  const findings: MaskFinding[] = [];
  const found = mergedImages(images, data, ({ kind, where, detail, image }) => {
    findings.push({ kind: 'orphan', where, detail: kind === 'missing' ? detail : 'listed twice', image });
  });
  const splitOf = splitsNamed(new Set(found.flatMap(({ raw }) => raw.split ?? [])));
  const files = found.map(({ file, raw, boxes }): MaskFile => {
    const shapes = boxes.map(({ label, ignored, shape }) => ({
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
  const entries = ['background', ...data.classes].map((className, value) => ({ value, name: className }));
  const table = { name, isColours: false, entries };
  return { tree, files, findings, notes: [...data.notes], table, convention: null };
}
