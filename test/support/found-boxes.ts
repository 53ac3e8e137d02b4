import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { scoreBoxes } from '../../base/box-scores.js';
import { boxOutcomes, type SeenImage } from '../../base/seen-boxes.js';
import type { BoxDetails } from '../../base/scores.js';
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

/** Adds `foundBoxes` to a trial of a run. */
export async function addFoundBoxes(workdir: string, trial: number): Promise<BoxDetails> {
  const details = await foundBoxes(join(workdir, 'boxes'));
  const store = Store.open(join(workdir, 'nas.sqlite'));
  store.classResults.add(trial, { stage: 'final', precision: 'fp32', split: 'test', classes: ['cat', 'dog'], details });
  store.close();
  return details;
}
