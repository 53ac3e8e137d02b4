import { chosenRows, type Chosen, type SeenKind } from './seen-boxes.js';
import { sum } from './statistics.js';

/** The value of pixels of a mask that neither train nor count: they have no class. At most 255 classes are before it. */
export const ignoredPixel = 255;

/** An image with the classes of its pixels in the data and as they were found. */
export interface SeenMaskImage {
  readonly row: number;
  /** Its file, relative to the data set; absent in data sets that hold no image files. */
  readonly path?: string;
  /** Of the masks: the network's image, in fewer pixels where it is large. */
  readonly width: number;
  readonly height: number;
  /** Share of its pixels that are wrong; ignored ones do not count. */
  readonly wrong: number;
  /** Row by row: (class in the data) * 256 + (found class), then how many pixels in a row have both, and so on. */
  readonly runs: readonly number[];
}

interface PixelPair {
  readonly truth: number;
  readonly found: number;
  readonly count: number;
}

/** The longer side of a mask that is kept. */
const mostSide = 160;

/** Both masks of an image, [height, width], as they are kept. */
export function maskRuns(
  truth: Uint8Array,
  found: Uint8Array,
  [height, width]: readonly [number, number],
): Pick<SeenMaskImage, 'width' | 'height' | 'runs'> {
  const step = Math.ceil(Math.max(height, width) / mostSide);
  const [rows, columns] = [Math.ceil(height / step), Math.ceil(width / step)];
  const runs: number[] = [];
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      const at = y * step * width + x * step;
      const pair = truth[at] * 256 + found[at];
      if (runs.at(-2) === pair) runs[runs.length - 1]++;
      else runs.push(pair, 1);
    }
  return { width: columns, height: rows, runs };
}

/** What the names of classes say is no object. */
const backgrounds: ReadonlySet<string> = new Set(['background', '_background_', 'none', 'free']);
export const backgroundOf = (classes: readonly string[]): number =>
  classes.findIndex((name) => backgrounds.has(name.toLowerCase()));

/** What each pixel is: a wrong one is missed where the background was found; null: background that was found, or ignored. */
export function pixelKinds({ runs }: Pick<SeenMaskImage, 'runs'>, background: number): (SeenKind | null)[] {
  const kindOf = (truth: number, found: number): SeenKind | null => {
    if (truth === ignoredPixel || (truth === found && found === background)) return null;
    return truth === found ? 'right' : found === background ? 'missed' : 'wrong';
  };
  const kinds: (SeenKind | null)[] = [];
  for (let i = 0; i < runs.length; i += 2) {
    const kind = kindOf(runs[i] >> 8, runs[i] & 255);
    for (let n = 0; n < runs[i + 1]; n++) kinds.push(kind);
  }
  return kinds;
}

/** The class of each pixel in the data, row by row. */
export function truthOf({ width, height, runs }: Pick<SeenMaskImage, 'width' | 'height' | 'runs'>): Uint8Array {
  const truth = new Uint8Array(width * height);
  let at = 0;
  for (let i = 0; i < runs.length; i += 2) truth.fill(runs[i] >> 8, at, (at += runs[i + 1]));
  return truth;
}

/** How many pixels have each class in the data and each found class; ignored ones have none. */
export function pixelPairs({ runs }: Pick<SeenMaskImage, 'runs'>): readonly PixelPair[] {
  const counts = new Map<number, number>();
  for (let i = 0; i < runs.length; i += 2) counts.set(runs[i], (counts.get(runs[i]) ?? 0) + runs[i + 1]);
  return [...counts]
    .map(([pair, count]) => ({ truth: pair >> 8, found: pair & 255, count }))
    .filter(({ truth }) => truth !== ignoredPixel);
}

/** Pixels of a class that were found as another one, or the other way round; of all classes without one. */
export const wrongPixels = (image: Pick<SeenMaskImage, 'runs'>, label?: number): number =>
  sum(
    pixelPairs(image)
      .filter(({ truth, found }) => truth !== found && (label === undefined || truth === label || found === label))
      .map(({ count }) => count),
  );

/** Chooses the images that are kept. @param images all, in the order of a split */
export function seenMasks(images: readonly SeenMaskImage[], classes: number): Chosen<SeenMaskImage> {
  const { worst, sample } = chosenRows(images.length, classes, (row, label) =>
    label === undefined ? images[row].wrong : wrongPixels(images[row], label),
  );
  return { worst: worst.map((row) => images[row]), sample: sample.map((row) => images[row]) };
}
