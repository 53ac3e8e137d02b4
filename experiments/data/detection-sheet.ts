import { valueText } from '../../base/number-text.js';
import { sidesText, type BoxDetails } from '../../base/scores.js';
import { isError, kindsText, type SeenImage } from '../../base/seen-boxes.js';
import { counted } from '../../base/text.js';
import { seenPicture } from './box-picture.js';
import type { ContactSheet, SheetImage } from './sheet.js';

/** Pixels of a picture's longer side on the sheet; files have twice as many, for dense screens. */
const side = 200;
/** Most classes, and images of a class and of a section. */
const most = { classes: 30, ofClass: 4, images: 24 };

export interface DetectionSheetInput {
  readonly name: string;
  /** `the test images`. */
  readonly of: string;
  readonly classes: readonly string[];
  readonly details: BoxDetails;
  /** Sentences above the pictures. */
  readonly summary: readonly string[];
  /** Charts as SVG. */
  readonly charts: readonly string[];
}

/** What the lines of boxes mean, for readers with and without colours. */
export const legendText =
  'Boxes: right ones are green and solid, missed ones orange and dashed, wrong ones red and dotted, ignored ones grey.';

/** Draws a sheet of an evaluation that kept images: the worst images of each class and of all, and others. */
export async function detectionSheet(input: DetectionSheetInput): Promise<ContactSheet> {
  const { name, of, classes, details, summary, charts } = input;
  const { seen } = details;
  if (seen === undefined) throw new Error('the evaluation kept no images');
  const drawn = new Map<number, string>();
  const draw = async (image: SeenImage): Promise<SheetImage> => {
    const found = drawn.get(image.row);
    const options = { side, density: 2, square: true };
    const webp = found ?? (await seenPicture(seen.directory, image, classes, options)).toString('base64');
    drawn.set(image.row, webp);
    return { path: image.path ?? `image ${image.row} of the data set`, detail: kindsText(image.boxes), webp };
  };
  const drawAll = async (images: readonly SeenImage[]): Promise<SheetImage[]> => {
    const all: SheetImage[] = [];
    for (const image of images) all.push(await draw(image));
    return all;
  };
  const percent = (value: number | null): string => valueText('share', value);
  const rows: ContactSheet['rows'][number][] = [];
  for (const [label, scores] of details.classes.slice(0, most.classes).entries()) {
    const errors = ({ boxes }: SeenImage): number => boxes.filter((box) => isError(box) && box.label === label).length;
    const worst = seen.worst.filter((image) => errors(image) > 0).toSorted((a, b) => errors(b) - errors(a));
    rows.push({
      name: classes[label],
      detail: [
        counted(scores.boxes, 'box', 'boxes'),
        ...(scores.ap50 === undefined ? [] : [`AP50 ${percent(scores.ap50)}`]),
        `precision ${percent(scores.precision)}`,
        `recall ${percent(scores.recall)}`,
        `threshold ${scores.threshold.toFixed(2)}`,
      ],
      images: await drawAll(worst.slice(0, most.ofClass)),
    });
  }
  const sections = [
    { title: 'Images with most missed and wrong boxes', images: seen.worst.slice(0, most.images) },
    { title: 'Images at equal distances in the data', images: seen.sample },
  ];
  const suspicious: ContactSheet['suspicious'][number][] = [];
  for (const { title, images } of sections)
    if (images.length > 0) suspicious.push({ title, note: null, entries: (await drawAll(images)).map((one) => [one]) });
  const note = classes.length > most.classes ? `The first ${most.classes} of ${classes.length}.` : null;
  return {
    name,
    summary: [
      ...summary,
      `Found boxes of ${of} by their side in pixels of the network: ${sidesText(details.sides)}.`,
      legendText,
    ],
    ...{ height: side, width: side, pixelated: false },
    ...{ rows, rowsTitle: 'Classes, with their worst images', rowsNote: note, suspicious, charts },
  };
}
