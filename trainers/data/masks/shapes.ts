import type { Extent } from '../../../base/boxes.js';

/** Marks the pixels of a shape in a mask [height, width]. */
type Mark = (pixel: number) => void;

const isNumbers = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'number' && Number.isFinite(one));

/**
 * Marks the pixels of COCO's `segmentation`: polygons as x, y, x, y, ..., or run lengths, column by column, as numbers or compressed.
 * @throws Error when it is neither; the message says what it is
 */
export function markSegmentation(segmentation: unknown, extent: Extent, mark: Mark): void {
  if (Array.isArray(segmentation)) {
    const polygons: readonly unknown[] = isNumbers(segmentation) ? [segmentation] : segmentation;
    for (const polygon of polygons) {
      if (!isNumbers(polygon) || polygon.length < 6 || polygon.length % 2 === 1)
        throw new Error('a polygon is no list of at least three points');
      markPolygon(polygon, extent, mark);
    }
    return;
  }
  const { counts, size } = (segmentation ?? {}) as { readonly counts?: unknown; readonly size?: unknown };
  const runs = typeof counts === 'string' ? decompressed(counts) : counts;
  if (!isNumbers(runs) || !isNumbers(size)) throw new Error('segmentation is neither polygons nor run lengths');
  const [height, width] = size;
  if (height !== extent.height || width !== extent.width)
    throw new Error(`run lengths for ${width} x ${height}, the image ${extent.width} x ${extent.height}`);
  let at = 0;
  for (const [i, count] of runs.entries()) {
    const end = Math.min(at + count, height * width);
    if (i % 2 === 1) for (; at < end; at++) mark((at % height) * width + Math.floor(at / height));
    at = end;
  }
}

/** Marks the pixels whose centres lie in a polygon (even-odd). */
function markPolygon(points: readonly number[], { width, height }: Extent, mark: Mark): void {
  for (let y = 0; y < height; y++) {
    const crossings: number[] = [];
    for (let i = 0, j = points.length - 2; i < points.length; j = i, i += 2) {
      const [x1, y1, x2, y2] = [points[j], points[j + 1], points[i], points[i + 1]];
      if (y1 <= y + 0.5 !== y2 <= y + 0.5) crossings.push(x1 + ((y + 0.5 - y1) * (x2 - x1)) / (y2 - y1));
    }
    crossings.sort((a, b) => a - b);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const end = Math.min(width, Math.ceil(crossings[k + 1] - 0.5));
      for (let x = Math.max(0, Math.ceil(crossings[k] - 0.5)); x < end; x++) mark(y * width + x);
    }
  }
}

/** COCO's compressed run lengths: groups of five bits, the low ones first; from the fourth on, differences to the run before the last. */
function decompressed(text: string): number[] {
  const runs: number[] = [];
  for (let at = 0; at < text.length;) {
    let [value, shift, isMore] = [0, 0, true];
    while (isMore) {
      const code = text.charCodeAt(at++) - 48;
      value |= (code & 31) << shift;
      shift += 5;
      isMore = (code & 32) !== 0 && at < text.length;
      if (!isMore && (code & 16) !== 0 && shift < 32) value |= -1 << shift;
    }
    runs.push(runs.length > 2 ? value + runs[runs.length - 2] : value);
  }
  return runs;
}
