import { largestClasses } from '../base/class-map.js';
import { invalidInput } from '../base/errors.js';
import { countPixels, scorePixels, type ImagePixels } from '../base/mask-scores.js';
import { maskRuns, seenMasks, type SeenMaskImage } from '../base/seen-masks.js';
import { sum } from '../base/statistics.js';
import type { Scoreboard } from '../base/scoreboard.js';
import type { PixelDetails, Scores } from '../base/scores.js';
import type { Grid } from './data/box-targets.js';
import type { Dataset, SplitName } from './data/index.js';
import type { Size, Split } from './data/splits.js';

interface MaskBoardOptions {
  readonly grid: Grid;
  readonly classes: number;
  /** Of the images. */
  readonly size: Size;
  /** Whether the scores have the worst images with their masks; default: no. */
  readonly keepsWrong?: boolean | undefined;
}

/** Scores the maps of a segmenter for images in the order of a split: the class of each pixel, as every reader of its file decides. */
export class MaskScoreboard implements Scoreboard<PixelDetails> {
  private readonly images: ImagePixels[] = [];
  private readonly seen: SeenMaskImage[] = [];
  private readonly confusion: number[][];
  private readonly mask: Uint8Array;
  private loss = 0;

  /** @param readMasks of the split */
  constructor(
    private readonly options: MaskBoardOptions,
    private readonly readMasks: NonNullable<Split['readMasks']>,
  ) {
    const { classes, size } = options;
    this.confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
    this.mask = new Uint8Array(size[0] * size[1]);
  }

  /** @param outputs [size, rows, columns, classes] @param targets as outputs */
  add(outputs: Float32Array, targets: Float32Array, size: number): void {
    const { grid, classes, keepsWrong = false } = this.options;
    const each = outputs.length / size;
    if (each !== grid.rows * grid.columns * classes)
      throw invalidInput(
        `the network gives ${each} numbers for an image, which are no ${grid.rows} x ${grid.columns} cells of ${classes} classes: a cell has ${grid.stride} pixels`,
        { hint: 'The stride and the input size in the metadata of its file must be those of its training.' },
      );
    for (let i = 0; i < size; i++) {
      const values = outputs.subarray(i * each, (i + 1) * each);
      this.readMasks([this.images.length], this.mask);
      const found = largestClasses({ ...grid, classes, values }, this.options.size);
      const counts = countPixels(this.mask, found, this.confusion);
      const row = this.images.push(counts) - 1;
      if (!keepsWrong) continue;
      const pixels = sum(counts.actual);
      const wrong = (pixels - sum(counts.right)) / Math.max(1, pixels);
      this.seen.push({ row, wrong, ...maskRuns(this.mask, found, this.options.size) });
    }
    for (let cell = 0; cell < outputs.length; cell += classes) this.addLoss(outputs, targets, cell);
  }

  scores(): Scores<PixelDetails> {
    const { images, confusion, options } = this;
    const { score, details, deviations } = scorePixels(images, confusion);
    const cells = images.length * options.grid.rows * options.grid.columns;
    const seen = options.keepsWrong === true && { deviations, seen: seenMasks(this.seen, options.classes) };
    return { accuracy: score, loss: this.loss / cells, count: images.length, details, ...seen };
  }

  /** Adds the cross-entropy of a cell. */
  private addLoss(outputs: Float32Array, targets: Float32Array, cell: number): void {
    const { classes } = this.options;
    let highest = -Infinity;
    for (let k = 0; k < classes; k++) highest = Math.max(highest, outputs[cell + k]);
    let total = 0;
    for (let k = 0; k < classes; k++) total += Math.exp(outputs[cell + k] - highest);
    const log = highest + Math.log(total);
    for (let k = 0; k < classes; k++) this.loss += targets[cell + k] * (log - outputs[cell + k]);
  }
}

/** The number of pixels of each class in the masks of a split. */
export function pixelsPerClass(dataset: Dataset, split: SplitName): number[] {
  const { count, readMasks } = dataset.split(split);
  const { classes, height, width } = dataset.info;
  const pixels = new Array<number>(256).fill(0);
  const mask = new Uint8Array(height * width);
  for (let position = 0; position < count; position++) {
    readMasks?.([position], mask);
    for (const label of mask) pixels[label]++;
  }
  return pixels.slice(0, classes.length);
}
