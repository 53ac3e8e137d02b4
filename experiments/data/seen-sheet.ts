import { valueText } from '../../base/number-text.js';
import {
  columnsOf,
  outputColumns,
  sidesText,
  type BoxDetails,
  type OutputColumn,
  type PixelDetails,
} from '../../base/scores.js';
import { outcomeText, worstOf, worstTitle, type KeptImage } from '../../base/seen-images.js';
import { seenPicture } from './seen-picture.js';
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

/** The scores of a class, in the order of tables. */
const scoresText = (scores: Readonly<Partial<Record<OutputColumn, number | null>>>): string[] =>
  columnsOf(scores).map((key) => `${outputColumns[key][0]} ${valueText(outputColumns[key][1], scores[key] ?? null)}`);

/** Draws a sheet of an evaluation that kept images: the worst images of each class and of all, and others. */
export async function seenSheet({ name, of, classes, details, ...input }: SeenSheetInput): Promise<ContactSheet> {
  const { seen } = details;
  if (seen === undefined) throw new Error('the evaluation kept no images');
  const known = new Map<number, string>();
  const draw = async (image: KeptImage): Promise<SheetImage> => {
    const { row, path = `image ${row} of the data set` } = image;
    const options = { side, density: 2, square: true };
    const webp = known.get(row) ?? (await seenPicture(seen.directory, image, classes, options)).toString('base64');
    known.set(row, webp);
    return { path, detail: outcomeText(image, classes), webp };
  };
  const drawAll = async (images: readonly KeptImage[]): Promise<SheetImage[]> => {
    const all: SheetImage[] = [];
    for (const image of images) all.push(await draw(image));
    return all;
  };
  const rows: ContactSheet['rows'][number][] = [];
  for (const [label, own] of classes.slice(0, most.classes).entries()) {
    const wrong = worstOf(seen, label).slice(0, most.ofClass);
    rows.push({ name: own, detail: scoresText(details.classes[label]), images: await drawAll(wrong) });
  }
  const sections = [
    { title: worstTitle(details.type), images: seen.worst.slice(0, most.images) },
    { title: 'Images at equal distances in the data', images: seen.sample },
  ];
  const suspicious: ContactSheet['suspicious'][number][] = [];
  for (const { title, images } of sections)
    if (images.length > 0) suspicious.push({ title, note: null, entries: (await drawAll(images)).map((one) => [one]) });
  const note = classes.length > most.classes ? `The first ${most.classes} of ${classes.length}.` : null;
  const notes =
    'sides' in details
      ? [`Found boxes of ${of} by their side in pixels of the network: ${sidesText(details.sides)}.`, legendText]
      : [maskLegendText];
  return {
    ...{ name, summary: [...input.summary, ...notes] },
    ...{ height: side, width: side, pixelated: false },
    ...{ rows, rowsTitle: 'Classes, with their worst images', rowsNote: note, suspicious, charts: input.charts },
  };
}
