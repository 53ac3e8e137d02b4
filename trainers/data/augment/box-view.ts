import type { Box, LabelledBox } from '../../../base/boxes.js';
import { scaledBytes } from '../../../base/image-pixels.js';
import type { PixelScale } from '../../../base/preprocess.js';
import type { Random } from '../../../base/random.js';
import { ignoredPixel } from '../../../base/seen-masks.js';
import type { BoxedPixels } from '../splits.js';
import { along, mirrored, upsideDown, visiblePart, wholePlace, type Axis, type Place } from './geometry.js';
import { signed, type ImageShape, type Pixels, type Step } from './image.js';
import type { Augmentation, StepConfig } from './schema.js';
import { createSteps } from './steps.js';

/** The grey outside of images. */
const outside = 114;

/** An image with its boxes or its mask. */
export interface PlacedImage extends BoxedPixels {
  /** Its number in the split. */
  readonly position: number;
  /** [height, width, channels]. */
  readonly pixels: Uint8Array;
  /** [height, width]: the class of each pixel, or `ignoredPixel`. */
  readonly mask?: Uint8Array;
}

/** An image, and where it lies in a view. */
interface Tile extends Place {
  readonly source: PlacedImage;
}

/** What a view shows. */
export interface View {
  readonly boxes: readonly LabelledBox[];
  /** The images, with their positions in the split; each pixel of the view belongs to the part of one. */
  readonly shown: readonly (Place & { readonly position: number })[];
}

/** The part of an image that the image of the file fills; bars are outside. */
function contentOf({ placement, extent }: BoxedPixels): Box {
  const { left, top, scaleX, scaleY } = placement;
  return { left, top, right: left + extent.width * scaleX, bottom: top + extent.height * scaleY };
}

/** A random place for a side of a length in a range: within it, or around it where the side is longer. */
function placed(length: number, from: number, to: number, random: Random): number {
  const room = to - from - length;
  return from + Math.min(0, room) + random.uniform() * Math.abs(room);
}

type Window = Pick<StepConfig<'window'>, 'zoom' | 'aspect'>;

/** The image scaled and put at a random place of a part of the view. @param zoom its size, before the window's own */
function windowed(source: PlacedImage, part: Box, zoom: number, window: Window, random: Random): Tile {
  const content = contentOf(source);
  const size = zoom * Math.exp(window.zoom * signed(random));
  const aspect = Math.exp(window.aspect * signed(random));
  const [scaleX, scaleY] = [size * aspect, size / aspect];
  const left = placed((content.right - content.left) * scaleX, part.left, part.right, random);
  const top = placed((content.bottom - content.top) * scaleY, part.top, part.bottom, random);
  return {
    source,
    part,
    x: { scale: scaleX, shift: left - scaleX * content.left },
    y: { scale: scaleY, shift: top - scaleY * content.top },
  };
}

/** The boxes of a tile, in pixels of the view. Less of a box may remain than the share `visible` only where it is ignored. */
const boxesOfTile = (tile: Tile, visible: number): LabelledBox[] =>
  tile.source.boxes.flatMap((box) => {
    const cut = visiblePart(tile, box, box.ignored ? 0 : visible);
    return cut === null ? [] : [{ ...box, ...cut }];
  });

/** For each pixel of an axis of the view: the two pixels between which it lies, and the share of the second. */
interface Samples {
  readonly from: number;
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly share: Float32Array;
}

function samplesOf(axis: Axis, [start, end]: readonly [number, number], low: number, high: number): Samples {
  const [from, to] = along(axis, start, end);
  const first = Math.max(low, Math.round(from));
  const count = Math.max(0, Math.min(high, Math.round(to)) - first);
  const at = Float64Array.from({ length: count }, (_, i) => {
    const place = (first + i + 0.5 - axis.shift) / axis.scale - 0.5;
    return Math.min(end - 1, Math.max(start, place));
  });
  return {
    from: first,
    first: Int32Array.from(at, Math.floor),
    second: Int32Array.from(at, (place) => Math.min(Math.ceil(place), end - 1)),
    share: Float32Array.from(at, (place) => place - Math.floor(place)),
  };
}

interface Area {
  readonly columns: Samples;
  readonly rows: Samples;
  /** Of the image and of its view. */
  readonly width: number;
}

function drawMask(from: Uint8Array, { columns, rows, width }: Area, to: Uint8Array): void {
  const nearest = ({ first, second, share }: Samples, i: number): number => (share[i] < 0.5 ? first : second)[i];
  for (let row = 0; row < rows.share.length; row++) {
    const source = nearest(rows, row) * width;
    const out = (rows.from + row) * width + columns.from;
    for (let column = 0; column < columns.share.length; column++)
      to[out + column] = from[source + nearest(columns, column)];
  }
}

/** The share of a box that must remain in a view. */
export const visibleShare = (augment: Augmentation): number =>
  augment.find((step) => step.type === 'window')?.visible ?? 0.4;

/** No window: the image keeps its size. */
const noWindow: Window = { zoom: 0, aspect: 0 };

/** Renders views of images with boxes or masks: the steps that move the image are one resampling, by which those move, too. */
export class PlacedRenderer {
  private readonly window: StepConfig<'window'> | undefined;
  private readonly mosaic: StepConfig<'mosaic'> | undefined;
  private readonly flip: StepConfig<'flip'> | undefined;
  private readonly paints: readonly Extract<Step, { kind: 'paint' }>[];
  private readonly values: Float32Array;
  private readonly visible: number;
  private before: Pixels;
  private after: Pixels;

  constructor(
    private readonly shape: ImageShape,
    scale: PixelScale,
    augment: Augmentation,
  ) {
    const { height, width, channels } = shape;
    this.window = augment.find((step) => step.type === 'window');
    this.mosaic = augment.find((step) => step.type === 'mosaic');
    this.flip = augment.find((step) => step.type === 'flip');
    const others = augment.filter(({ type }) => type !== 'window' && type !== 'mosaic' && type !== 'flip');
    this.paints = createSteps(others, shape).filter((step) => step.kind === 'paint');
    this.values = scaledBytes(scale);
    this.visible = visibleShare(augment);
    this.before = new Uint8ClampedArray(height * width * channels);
    this.after = new Uint8ClampedArray(height * width * channels);
  }

  /**
   * Renders a view of an image to `to` in `target`.
   * @param other another image, for a mosaic
   * @param mask where the view of the mask is written: [height, width]
   */
  render(
    own: PlacedImage,
    other: (random: Random) => PlacedImage,
    target: Float32Array,
    to: number,
    random: Random,
    mask?: Uint8Array,
  ): View {
    const { height, width } = this.shape;
    const placedTiles = this.tiles(own, other, random);
    const mirrors = this.flip !== undefined && random.uniform() < 0.5;
    const turns = this.flip?.vertical === true && random.uniform() < 0.5;
    const tiles = placedTiles
      .map((tile) => (mirrors ? mirrored(tile, width) : tile))
      .map((tile) => (turns ? upsideDown(tile, height) : tile));
    this.after.fill(outside);
    mask?.fill(ignoredPixel);
    for (const tile of tiles) this.draw(tile, mask);
    for (const { paint } of this.paints) {
      [this.before, this.after] = [this.after, this.before];
      paint(this.before, this.after, random);
    }
    this.normalise(target, to);
    const isWhole = tiles.length === 1 && this.window === undefined && !mirrors && !turns;
    return {
      boxes: isWhole ? own.boxes : tiles.flatMap((tile) => boxesOfTile(tile, this.visible)),
      shown: tiles.map(({ source: { position }, x, y, part }) => ({ position, x, y, part })),
    };
  }

  private tiles(own: PlacedImage, other: (random: Random) => PlacedImage, random: Random): readonly Tile[] {
    const { height, width } = this.shape;
    const place = wholePlace(height, width);
    const whole = place.part;
    const { window = noWindow } = this;
    if (this.mosaic !== undefined && random.uniform() < this.mosaic.share) {
      const middle = (side: number): number => Math.round(side * (0.35 + 0.3 * random.uniform()));
      const [x, y] = [middle(width), middle(height)];
      const parts = [
        { ...whole, right: x, bottom: y },
        { ...whole, left: x, bottom: y },
        { ...whole, right: x, top: y },
        { ...whole, left: x, top: y },
      ];
      return parts.map((part, i) => {
        const source = i === 0 ? own : other(random);
        const content = contentOf(source);
        const fit = Math.min(
          (part.right - part.left) / (content.right - content.left),
          (part.bottom - part.top) / (content.bottom - content.top),
        );
        return windowed(source, part, fit * (1 + random.uniform()), window, random);
      });
    }
    if (this.window === undefined) return [{ source: own, ...place }];
    return [windowed(own, whole, 1, window, random)];
  }

  /** Draws the image of a tile with linear interpolation, and its mask by the nearest pixels. */
  private draw({ source, x, y, part }: Tile, mask: Uint8Array | undefined): void {
    const { width, channels } = this.shape;
    const { pixels } = source;
    const content = contentOf(source);
    const columns = samplesOf(x, [Math.round(content.left), Math.round(content.right)], part.left, part.right);
    const rows = samplesOf(y, [Math.round(content.top), Math.round(content.bottom)], part.top, part.bottom);
    const { after } = this;
    if (mask !== undefined && source.mask !== undefined) drawMask(source.mask, { columns, rows, width }, mask);
    for (let row = 0; row < rows.share.length; row++) {
      const [above, below] = [rows.first[row] * width, rows.second[row] * width];
      const down = rows.share[row];
      let out = ((rows.from + row) * width + columns.from) * channels;
      for (let column = 0; column < columns.share.length; column++) {
        const [left, right] = [columns.first[column], columns.second[column]];
        const across = columns.share[column];
        for (let c = 0; c < channels; c++) {
          const upperLeft = pixels[(above + left) * channels + c];
          const upper = upperLeft + across * (pixels[(above + right) * channels + c] - upperLeft);
          const lowerLeft = pixels[(below + left) * channels + c];
          const lower = lowerLeft + across * (pixels[(below + right) * channels + c] - lowerLeft);
          after[out++] = upper + down * (lower - upper);
        }
      }
    }
  }

  private normalise(target: Float32Array, to: number): void {
    const { after, values } = this;
    const { channels } = this.shape;
    for (let i = 0, c = 0; i < after.length; i++) {
      target[to + i] = values[(c << 8) | after[i]];
      if (++c === channels) c = 0;
    }
  }
}
