import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { scoreBoxes } from '../../base/box-scores.js';
import { boxOutcomes, type SeenImage } from '../../base/seen-boxes.js';
import { maskRuns } from '../../base/seen-masks.js';
import type { BoxDetails, PixelDetails } from '../../base/scores.js';
import { Store } from '../../store/index.js';
import { writeBoxCache } from './box-cache.js';

const truth = { left: 20, top: 10, right: 60, bottom: 40, label: 0, ignored: false };

/** What a detector found on one image of 100 x 50, which is converted into a folder: one box right, one missed, one wrong. */
export async function foundBoxes(directory: string): Promise<BoxDetails> {
  mkdirSync(directory, { recursive: true });
  await writeBoxCache(directory, { width: 100, height: 50, size: [32, 32] });
  const truths = [truth, { ...truth, left: 64, right: 68, top: 2, bottom: 6 }];
  const found = [
    { ...truth, left: 22, score: 0.9 },
    { ...truth, left: 70, right: 95, label: 1, score: 0.8 },
  ];
  const image = { truths, found, scale: 3 };
  const { details } = scoreBoxes([image], 2, { thresholds: [0.5, 0.5], curves: true });
  const seen: SeenImage = { row: 0, path: 'cats/a.png', width: 100, height: 50, boxes: boxOutcomes(image, [0.5, 0.5]) };
  return { ...details, seen: { directory, worst: [seen], sample: [seen] } };
}

/** What a segmenter found on one image of 32 x 32: of 16 rows of cracks, 4 right and 12 missed; a row of background is wrong. */
export async function foundMasks(directory: string): Promise<PixelDetails> {
  mkdirSync(directory, { recursive: true });
  await writeBoxCache(directory, { width: 32, height: 32, size: [32, 32] });
  const masks = [(row: number) => (row < 16 ? 1 : 0), (row: number) => (row < 4 || row === 31 ? 1 : 0)].map((classOf) =>
    Uint8Array.from({ length: 32 * 32 }, (_, at) => classOf(Math.floor(at / 32))),
  );
  const confusion = [
    [15 * 32, 32],
    [12 * 32, 4 * 32],
  ];
  const pixels = [masks[0], masks[1]] as const;
  const image = { row: 0, path: 'tiles/a.png', wrong: 13 / 32, ...maskRuns(...pixels, [32, 32]) };
  const scores = confusion.map((row, c) => ({
    ...{ pixels: 512, iou: row[c] / (512 + confusion[1 - c][c]), precision: row[c] / (row[c] + confusion[1 - c][c]) },
    ...{ recall: row[c] / 512, errors: { iou: 0.1 } },
  }));
  const errors = { score: 0.1, worst_iou: 0.1, pixel_accuracy: 0.1 };
  const seen = { directory, worst: [image], sample: [image] };
  return { type: 'segmentation', confusion, classes: scores, errors, seen };
}

const kinds = {
  boxes: [foundBoxes, ['cat', 'dog']],
  masks: [foundMasks, ['background', 'crack']],
} as const;

/** Adds `foundBoxes` or `foundMasks` to a trial of a run; the image is converted into a folder of the run with the name of the kind. */
export async function addFound(kind: keyof typeof kinds, workdir: string, trial: number) {
  const [find, classes] = kinds[kind];
  const details = await find(join(workdir, kind));
  const store = Store.open(join(workdir, 'nas.sqlite'));
  store.classResults.add(trial, { stage: 'final', precision: 'fp32', split: 'test', classes: [...classes], details });
  store.close();
  return details;
}
