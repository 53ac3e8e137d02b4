import type { Extent } from '../../../base/boxes.js';
import { classesOfRows } from '../../../base/class-map.js';
import { placementIn } from '../../../base/detections.js';
import { classPng, pngRowBytes } from '../../images/class-png.js';
import { type Answer, clientGone, NotAnswered, type RunOptions } from '../../inference/pool.js';
import { BadImage, type Decoder } from '../../images/decoder.js';
import { renderingOf } from '../../models/model.js';
import type { Turns } from '../../turns.js';
import { mostSide } from './request.js';
import type { MaskCounts } from './tasks.js';

/** Comparisons of classes between two turns of the event loop: about a millisecond. */
const workOfTurn = 1 << 18;
/** Bytes that a thread compresses in a millisecond, roughly. */
const compressedPerMs = 1e5;

interface MaskParts {
  readonly decoder: Pick<Decoder, 'run'>;
  readonly turns: Turns;
  readonly run: RunOptions;
  /** Takes memory for a part of the answer. */
  readonly take: (bytes: number) => void;
}

/** Width and height of the mask of an image. @throws BadImage 413 */
export function maskExtent({ width, height }: Extent, side: number | null): Extent {
  const longest = Math.max(width, height);
  if (side === null && longest > mostSide)
    throw new BadImage(
      413,
      `the mask of an image of ${width} x ${height} pixels is longer than ${mostSide}: ask for a smaller one, ?side=${mostSide}`,
    );
  const scale = side === null ? 1 : Math.min(1, side / longest);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/**
 * Finds the classes of a mask's pixels in the client's turns of the event loop, a few rows in each.
 * @param rowBytes bytes of a row; its pixels are the last of them
 * @param use gets whole rows, one part after the other; the array is used again
 */
async function maskRows(
  { model, outputs }: Answer,
  image: Extent,
  { width, height }: Extent,
  rowBytes: number,
  { turns, run }: MaskParts,
  use: (rows: Uint8Array) => void,
): Promise<void> {
  const { maps, classes } = model;
  if (maps === null) throw new Error(`${model.name} is no segmenter`);
  const { scaleX, scaleY, left, top } = placementIn(image, renderingOf(model));
  const placement = { scaleX: (scaleX * image.width) / width, scaleY: (scaleY * image.height) / height, left, top };
  const map = { ...maps, classes: classes.length, values: outputs };
  const classesOf = classesOfRows(map, [height, width], placement);
  const most = Math.max(1, Math.floor(workOfTurn / (width * classes.length)));
  const part = new Uint8Array(Math.min(most, height) * rowBytes);
  const doPart = (from: number, to: number) => (): void => {
    if (run.isGone()) throw clientGone;
    if (performance.now() > run.deadline)
      throw new NotAnswered('expired', 'the deadline passed before the mask was complete');
    for (let y = from; y < to; y++) classesOf(y, part, (y - from + 1) * rowBytes - width);
    use(part.subarray(0, (to - from) * rowBytes));
  };
  for (let y = 0; y < height; y += most) await turns.run(run.client, doPart(y, Math.min(height, y + most)));
}

/** A mask by its run lengths, and the pixels of each class. */
export async function maskRuns(
  answered: Answer,
  image: Extent,
  extent: Extent,
  parts: MaskParts,
): Promise<{ readonly mask: MaskCounts; readonly rle: string }> {
  const counts = answered.model.classes.map(() => 0);
  const texts: string[] = [];
  let [label, length] = [-1, 0];
  await maskRows(answered, image, extent, extent.width, parts, (rows) => {
    const runs: number[] = [];
    for (const own of rows) {
      if (own !== label) {
        if (length > 0) runs.push(label, length);
        [label, length] = [own, 0];
      }
      length++;
      counts[own]++;
    }
    if (runs.length === 0) return;
    texts.push(runs.join(','));
    parts.take(texts[texts.length - 1].length);
  });
  texts.push(`${label},${length}`);
  return { mask: { ...extent, counts }, rle: `[${texts.join(',')}]` };
}

/** A mask as a PNG of the indices of classes. */
export async function maskPng(answered: Answer, image: Extent, extent: Extent, parts: MaskParts): Promise<Buffer> {
  const { decoder, run, take } = parts;
  const rowBytes = pngRowBytes(extent.width);
  // Compressed, it may be as long again.
  take(2 * extent.height * rowBytes);
  const all = new Uint8Array(extent.height * rowBytes);
  let at = 0;
  await maskRows(answered, image, extent, rowBytes, parts, (rows) => {
    all.set(rows, at);
    at += rows.length;
  });
  const compress = (): Promise<Buffer> => classPng(extent, answered.model.classes.length, all);
  return decoder.run(compress, { ...run, ms: all.length / compressedPerMs });
}
