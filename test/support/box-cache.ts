import type { Extent } from '../../base/boxes.js';
import { writeCache } from '../../trainers/data/cache.js';
import { placementIn } from '../../base/detections.js';

export interface BoxCacheOptions extends Extent {
  /** Height and width of the converted image. */
  readonly size: readonly [height: number, width: number];
}

/** Writes a converted data set with boxes of one dark red image, between grey bars. */
export async function writeBoxCache(directory: string, { width, height, size }: BoxCacheOptions): Promise<void> {
  const [rows, columns] = size;
  const { left, top, scaleX, scaleY } = placementIn({ width, height }, { size, fit: 'contain' });
  const isInside = (x: number, y: number): boolean =>
    x >= left && x < left + Math.round(width * scaleX) && y >= top && y < top + Math.round(height * scaleY);
  const pixels = Uint8Array.from({ length: rows * columns * 3 }, (_, i) => {
    const at = Math.floor(i / 3);
    if (!isInside(at % columns, Math.floor(at / columns))) return 114;
    return i % 3 === 0 ? 200 : 0;
  });
  const box = { left: 20, top: 10, right: 60, bottom: 40, label: 0, ignored: false };
  await writeCache(directory, {
    ...{ kind: 'pixels', name: 'red', fingerprint: 'red', task: 'detection', classes: ['cat', 'dog'] },
    ...{ height: rows, width: columns, channels: 3, count: 1 },
    async *read() {
      const boxed = [{ width, height, boxes: [box] }];
      yield await Promise.resolve({ pixels, labels: [0], targets: [1, 0], boxed, split: null });
    },
  });
}
