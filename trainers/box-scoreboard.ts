import type { BoxedImage } from '../base/average-precision.js';
import { scoreBoxes, type BoxScoring } from '../base/box-scores.js';
import { boxValues, decode, inOriginal, sizeRange, type DecodingOptions } from '../base/detections.js';
import type { BoxTask } from '../base/task.js';
import { invalidInput } from '../base/errors.js';
import type { Scoreboard } from '../base/scoreboard.js';
import type { BoxDetails, Scores } from '../base/scores.js';
import { boxOutcomes, rounded, seenImages, type Chosen, type SeenImage } from '../base/seen-boxes.js';
import { targetValues, type Grid } from './data/box-targets.js';
import type { BoxedPixels } from './data/splits.js';
import { boxWeight } from './losses/detection.js';

const softplus = (z: number): number => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
const clamped = (log: number): number => Math.exp(Math.min(sizeRange[1], Math.max(sizeRange[0], log)));

/** Generalised intersection over union of two boxes: centre, width and height each. */
function generalisedIou(a: readonly number[], b: readonly number[]): number {
  let [shared, around] = [1, 1];
  for (const axis of [0, 1]) {
    const [low, otherLow] = [a[axis] - a[axis + 2] / 2, b[axis] - b[axis + 2] / 2];
    const [high, otherHigh] = [a[axis] + a[axis + 2] / 2, b[axis] + b[axis + 2] / 2];
    shared *= Math.max(0, Math.min(high, otherHigh) - Math.max(low, otherLow));
    around *= Math.max(high, otherHigh) - Math.min(low, otherLow);
  }
  const union = a[2] * a[3] + b[2] * b[3] - shared;
  return shared / union - (around - union) / around;
}

export interface BoxBoardOptions extends Omit<BoxScoring, 'curves'> {
  readonly task: BoxTask;
  readonly grid: Grid;
  readonly classes: number;
  /** How maps become boxes; default: as trainings decode them. */
  readonly decoding?: Pick<DecodingOptions, 'most' | 'overlap'> | undefined;
  /** Whether the scores have the worst images with their boxes, and curves of precision and recall; default: no. */
  readonly keepsWrong?: boolean | undefined;
}

/** Scores the maps of a detector for images in the order of a split. */
export class BoxScoreboard implements Scoreboard<BoxDetails> {
  private readonly images: BoxedImage[] = [];
  private classLoss = 0;
  private boxLoss = 0;
  private positives = 0;

  /** @param boxed the boxes of the data, by position */
  constructor(
    private readonly options: BoxBoardOptions,
    private readonly boxed: (position: number) => BoxedPixels,
  ) {}

  /** @param outputs [size, rows, columns, classes + 4], of centroids [..., classes] @param targets [size, rows, columns, 5] */
  add(outputs: Float32Array, targets: Float32Array, size: number): void {
    const { task, grid, classes, decoding: { most, overlap } = {} } = this.options;
    const each = outputs.length / size;
    if (each !== grid.rows * grid.columns * (classes + boxValues[task]))
      throw invalidInput(
        `the network gives ${each} numbers for an image, which are no ${grid.rows} x ${grid.columns} cells of ${classes} classes${task === 'detection' ? ' and a box' : ''}: a cell has ${grid.stride} pixels`,
        { hint: 'The stride and the input size in the metadata of its file must be those of its training.' },
      );
    for (let i = 0; i < size; i++) {
      const { boxes: truths, placement } = this.boxed(this.images.length);
      const map = { ...grid, classes, values: outputs.subarray(i * each, (i + 1) * each) };
      this.images.push({
        ...{ truths, found: decode(map, { most, overlap }), scale: 1 / placement.scaleX },
        cell: task === 'centroids' ? grid.stride : undefined,
      });
    }
    this.addLoss(outputs, targets);
  }

  scores(): Scores<BoxDetails> {
    const { images, options, positives } = this;
    const { classes, keepsWrong = false } = options;
    const { score, details, deviations } = scoreBoxes(images, classes, { ...options, curves: keepsWrong });
    const loss = (this.classLoss + boxWeight * this.boxLoss) / Math.max(1, positives);
    const seen = keepsWrong && {
      ...(deviations && { deviations }),
      seen: this.seen(details.classes.map(({ threshold }) => threshold)),
    };
    return { accuracy: score, loss, count: images.length, details, ...seen };
  }

  private seen(thresholds: readonly number[]): Chosen<SeenImage> {
    const outcomes = this.images.map((image) => boxOutcomes(image, thresholds));
    return seenImages(outcomes, thresholds.length, (row) => {
      const { placement, extent } = this.boxed(row);
      return { row, ...extent, boxes: inOriginal(outcomes[row], placement, extent).map(rounded) };
    });
  }

  /** Adds the focal loss of classes and the loss of boxes of all cells. */
  private addLoss(outputs: Float32Array, targets: Float32Array): void {
    const { task, classes } = this.options;
    const depth = classes + boxValues[task];
    for (let cell = 0; cell * targetValues < targets.length; cell++) {
      const [label, dx, dy, width, height] = targets.subarray(cell * targetValues, (cell + 1) * targetValues);
      if (label < -1.5) continue;
      const answer = outputs.subarray(cell * depth, (cell + 1) * depth);
      for (let k = 0; k < classes; k++) {
        // The focal loss is symmetric: a class that is there counts like an absent one with the negated logit.
        const z = k === label ? -answer[k] : answer[k];
        const p = 1 / (1 + Math.exp(-z));
        this.classLoss += p * p * softplus(z);
      }
      if (label < -0.5) continue;
      this.positives++;
      if (task === 'centroids') continue;
      const [x, y, w, h] = answer.subarray(classes);
      this.boxLoss += 1 - generalisedIou([x, y, clamped(w), clamped(h)], [dx, dy, width, height]);
    }
  }
}
