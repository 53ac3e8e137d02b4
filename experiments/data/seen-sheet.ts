import { percent, valueText } from '../../base/number-text.js';
import { sidesText, type BoxDetails, type PixelDetails } from '../../base/scores.js';
import { isError, kindsText, type SeenImage } from '../../base/seen-boxes.js';
import { wrongPixels, type SeenMaskImage } from '../../base/seen-masks.js';
import { counted } from '../../base/text.js';
import { seenPicture, type PictureOptions } from './box-picture.js';
import { maskPicture } from './mask-picture.js';
import type { ContactSheet, SheetImage } from './sheet.js';

/** Pixels of a picture's longer side on the sheet; files have twice as many, for dense screens. */
const side = 200;
/** Most classes, and images of a class and of a section. */
const most = { classes: 30, ofClass: 4, images: 24 };

export interface SeenSheetInput {
  readonly name: string;
  /** `the test images`. */
  readonly of: string;
  readonly classes: readonly string[];
  readonly details: BoxDetails | PixelDetails;
  /** Sentences above the pictures. */
  readonly summary: readonly string[];
  /** Charts as SVG. */
  readonly charts: readonly string[];
}

/** What the lines of boxes mean, for readers with and without colours. */
export const legendText =
  'Boxes: right ones are green and solid, missed ones orange and dashed, wrong ones red and dotted, ignored ones grey.';

/** What the colours of pixels mean. */
export const maskLegendText =
  'Pixels: right ones are green and even; missed ones, where the background was found, orange in rising stripes; wrong ones red in falling stripes.';

interface Image {
  readonly row: number;
  readonly path?: string;
}

/** What a sheet shows of a task. */
interface Shown<I extends Image> {
  readonly worst: readonly I[];
  readonly sample: readonly I[];
  readonly worstTitle: string;
  readonly notes: readonly string[];
  readonly picture: (image: I, options: PictureOptions) => Promise<Buffer>;
  readonly textOf: (image: I) => string;
  readonly errorsOf: (image: I, label: number) => number;
  readonly ofClass: (label: number) => readonly string[];
}

const share = (value: number | null): string => valueText('share', value);

function shownBoxes({ seen, classes: scores, sides }: BoxDetails, { of, classes }: SeenSheetInput): Shown<SeenImage> {
  if (seen === undefined) throw new Error('the evaluation kept no images');
  return {
    ...seen,
    worstTitle: 'Images with most missed and wrong boxes',
    notes: [`Found boxes of ${of} by their side in pixels of the network: ${sidesText(sides)}.`, legendText],
    picture: (image, options) => seenPicture(seen.directory, image, classes, options),
    textOf: ({ boxes }) => kindsText(boxes),
    errorsOf: ({ boxes }, label) => boxes.filter((box) => isError(box) && box.label === label).length,
    ofClass: (label) => {
      const { boxes, ap50, precision, recall, threshold } = scores[label];
      return [
        counted(boxes, 'box', 'boxes'),
        ...(ap50 === undefined ? [] : [`AP50 ${share(ap50)}`]),
        `precision ${share(precision)}`,
        `recall ${share(recall)}`,
        `threshold ${threshold.toFixed(2)}`,
      ];
    },
  };
}

function shownMasks({ seen, classes: scores }: PixelDetails, { classes }: SeenSheetInput): Shown<SeenMaskImage> {
  if (seen === undefined) throw new Error('the evaluation kept no images');
  return {
    ...seen,
    worstTitle: 'Images with most wrong pixels',
    notes: [maskLegendText],
    picture: (image, options) => maskPicture(seen.directory, image, classes, options),
    textOf: ({ wrong }) => `${percent(wrong)} of the pixels wrong`,
    errorsOf: wrongPixels,
    ofClass: (label) => {
      const { pixels, iou, precision, recall } = scores[label];
      return [
        counted(pixels, 'pixel'),
        `IoU ${share(iou)}`,
        `precision ${share(precision)}`,
        `recall ${share(recall)}`,
      ];
    },
  };
}

/** Draws a sheet of an evaluation that kept images: the worst images of each class and of all, and others. */
export const seenSheet = async (input: SeenSheetInput): Promise<ContactSheet> =>
  input.details.type === 'segmentation'
    ? drawn(shownMasks(input.details, input), input)
    : drawn(shownBoxes(input.details, input), input);

async function drawn<I extends Image>(
  { worst, sample, picture, textOf, errorsOf, ...shown }: Shown<I>,
  { name, classes, summary, charts }: SeenSheetInput,
): Promise<ContactSheet> {
  const known = new Map<number, string>();
  const draw = async (image: I): Promise<SheetImage> => {
    const webp = known.get(image.row) ?? (await picture(image, { side, density: 2, square: true })).toString('base64');
    known.set(image.row, webp);
    return { path: image.path ?? `image ${image.row} of the data set`, detail: textOf(image), webp };
  };
  const drawAll = async (images: readonly I[]): Promise<SheetImage[]> => {
    const all: SheetImage[] = [];
    for (const image of images) all.push(await draw(image));
    return all;
  };
  const rows: ContactSheet['rows'][number][] = [];
  for (const [label, own] of classes.slice(0, most.classes).entries()) {
    const errors = (image: I): number => errorsOf(image, label);
    const wrong = worst.filter((image) => errors(image) > 0).toSorted((a, b) => errors(b) - errors(a));
    rows.push({ name: own, detail: shown.ofClass(label), images: await drawAll(wrong.slice(0, most.ofClass)) });
  }
  const sections = [
    { title: shown.worstTitle, images: worst.slice(0, most.images) },
    { title: 'Images at equal distances in the data', images: sample },
  ];
  const suspicious: ContactSheet['suspicious'][number][] = [];
  for (const { title, images } of sections)
    if (images.length > 0) suspicious.push({ title, note: null, entries: (await drawAll(images)).map((one) => [one]) });
  const note = classes.length > most.classes ? `The first ${most.classes} of ${classes.length}.` : null;
  return {
    ...{ name, summary: [...summary, ...shown.notes] },
    ...{ height: side, width: side, pixelated: false },
    ...{ rows, rowsTitle: 'Classes, with their worst images', rowsNote: note, suspicious, charts },
  };
}
