import type { Box } from '../../base/boxes.js';
import { scaledBytes } from '../../base/image-pixels.js';
import type { PixelScale } from '../../base/preprocess.js';
import { Random } from '../../base/random.js';
import { mean } from '../../base/statistics.js';
import type { Gather, ImageShape, MixingStep, Pixels, Step, ViewShape } from './augment/image.js';
import type { Augmentation } from './augment/schema.js';
import { createSteps } from './augment/steps.js';

/** The numbers from 0 to `size` - 1. */
const upTo = (size: number): Int32Array => Int32Array.from({ length: size }, (_, i) => i);

/**
 * Renders views of images: applies the steps of an augmentation to uint8 pixels and normalises them to float32. Steps that
 * only move rows and columns cost no pass of their own: the next pass reads from there. No pixels are allocated per image.
 */
export class Renderer {
  /** The steps that mix two rendered views; the caller applies them. */
  readonly mixing: readonly MixingStep[];
  private readonly steps: readonly Exclude<Step, MixingStep>[];
  /** Normalised value for each pixel value: [channels, 256]. */
  private readonly values: Float32Array;
  private readonly still: Gather;
  private readonly gather: Gather;
  /** The image before and after a step that paints. */
  private readonly before: Pixels;
  private readonly after: Pixels;
  /** The bytes of `after`: normalising always reads the same type of array, which keeps it fast. */
  private readonly painted: Uint8Array;
  private readonly covered: Box[] = [];

  constructor(
    private readonly shape: ViewShape,
    scale: PixelScale,
    augment: Augmentation,
  ) {
    const { height, width, channels } = shape;
    const steps = createSteps(augment, shape);
    this.steps = steps.filter((step) => step.kind !== 'mix');
    this.mixing = steps.filter((step) => step.kind === 'mix');
    this.values = scaledBytes(scale);
    this.still = { rows: upTo(height), columns: upTo(width) };
    this.gather = { rows: upTo(height), columns: upTo(width) };
    this.before = new Uint8ClampedArray(height * width * channels);
    this.after = new Uint8ClampedArray(height * width * channels);
    this.painted = new Uint8Array(this.after.buffer);
  }

  /** Renders a view of the image at `from` in `source` to `to` in `target`; covered rectangles become 0, which is the mean. */
  render(source: Uint8Array, from: number, target: Float32Array, to: number, random: Random): void {
    const { gather, before, after, painted, covered } = this;
    let [image, start] = [source, from];
    covered.length = 0;
    this.resetGather();
    for (const step of this.steps) {
      if (step.kind === 'move') step.move(gather, random);
      else if (step.kind === 'cover') covered.push(step.cover(random));
      else {
        this.copy(image, start, before);
        this.resetGather();
        step.paint(before, after, random);
        [image, start] = [painted, 0];
      }
    }
    this.normalise(image, start, target, to);
    for (const box of covered) this.cover(box, target, to);
  }
  private resetGather(): void {
    this.gather.rows.set(this.still.rows);
    this.gather.columns.set(this.still.columns);
  }

  /** Copies an image as gathered. */
  private copy(image: Uint8Array, start: number, into: Pixels): void {
    const { width, channels } = this.shape;
    const { rows, columns } = this.gather;
    let out = 0;
    for (const row of rows) {
      const line = start + row * width * channels;
      for (const column of columns)
        for (let c = 0, pixel = line + column * channels; c < channels; c++) into[out++] = image[pixel + c];
    }
  }

  /** Writes the normalised image as gathered. */
  private normalise(image: Uint8Array, start: number, target: Float32Array, to: number): void {
    const { height, width, channels } = this.shape;
    const { values } = this;
    const { rows, columns } = this.gather;
    for (let y = 0, out = to; y < height; y++) {
      const line = start + rows[y] * width * channels;
      if (channels === 1) {
        for (let x = 0; x < width; x++) target[out++] = values[image[line + columns[x]]];
      } else {
        for (let x = 0; x < width; x++) {
          const pixel = line + columns[x] * channels;
          for (let c = 0; c < channels; c++) target[out++] = values[(c << 8) | image[pixel + c]];
        }
      }
    }
  }

  private cover({ top, bottom, left, right }: Box, target: Float32Array, to: number): void {
    const { width, channels } = this.shape;
    for (let y = top; y < bottom; y++) {
      const line = to + y * width * channels;
      target.fill(0, line + left * channels, line + right * channels);
    }
  }
}

/** Views of which `renderingSeconds` measures some, after the compiler has seen others. */
const [firstViews, measuredViews] = [200, 400];

/** Seconds in which a thread renders one view of an image, before it is mixed with another. */
export function renderingSeconds({ height, width, channels }: ImageShape, augment: Augmentation): number {
  const values = height * width * channels;
  const scale = { mean: Array.from({ length: channels }, () => 0), std: Array.from({ length: channels }, () => 1) };
  const renderer = new Renderer({ height, width, channels }, scale, augment);
  const random = new Random(1, 'rendering');
  const image = Uint8Array.from({ length: values }, (_, i) => i);
  const target = new Float32Array(values);
  const seconds = Array.from({ length: firstViews + measuredViews }, () => {
    const began = performance.now();
    renderer.render(image, 0, target, 0, random);
    return (performance.now() - began) / 1000;
  });
  return mean(seconds.slice(firstViews));
}
