import type { LabelledBox } from '../../base/boxes.js';
import { counted } from '../../base/text.js';
import type { BoxImage } from '../../trainers/index.js';
import type { DescribedBoxes } from './boxes.js';
import { spread, type ContactSheet, type SheetImage } from './sheet.js';
import { drawBoxes, type BoxMark } from './box-picture.js';

/** Most classes, images of a class, and findings of a kind. */
const most = { classes: 30, images: 6, entries: 24 };
/** Pixels of a picture's longer side on the sheet; files have twice as many, for dense screens. */
const side = 160;
/** Boxes of the row's class, of other classes, and ignored ones: told apart by width and dashes, too. */
const colours = { own: '#ff8c00', other: '#ffffff' };

const number = (value: number): string => value.toLocaleString('en-US');

/** An image of the sheet: its index, and which of its boxes are the subject. */
interface Drawing {
  readonly at: number;
  readonly detail: string;
  readonly isOwn: (box: LabelledBox) => boolean;
}

/** Draws a contact sheet: some images of each class with all their boxes, and the images with findings. */
export async function boxesSheet({ description, data, splits }: DescribedBoxes): Promise<ContactSheet> {
  const { images, tree } = data;
  const drawAll = async (drawings: readonly Drawing[]): Promise<SheetImage[]> => {
    const drawn: SheetImage[] = [];
    for await (const { index: i, load } of tree.read(drawings.map(({ at }) => images[at].file))) {
      const { at, detail, isOwn } = drawings[i];
      const webp = await pictureOf(await load(), images[at], isOwn);
      drawn[i] = { path: images[at].file.path, detail, webp: webp.toString('base64') };
    }
    return drawn;
  };
  const rows: ContactSheet['rows'][number][] = [];
  const shown = spread([...description.classes.entries()], most.classes, 0);
  for (const [label, { name, boxes, images: count, splits: counts }] of shown) {
    const isOwn = (box: LabelledBox): boolean => box.label === label;
    const having = [...images.keys()].filter((i) => images[i].boxes.some(isOwn));
    const bySplit = counts === null ? [] : [[counts.train, counts.validation, counts.test].map(number).join(' / ')];
    const drawings = spread(having, most.images, 0.5).map((at): Drawing => {
      const detail = `${counted(images[at].boxes.length, 'box', 'boxes')} · ${splits?.[at] ?? 'unused'}`;
      return { at, detail, isOwn };
    });
    const detail = [counted(boxes, 'box', 'boxes'), counted(count, 'image'), ...bySplit];
    rows.push({ name, detail, images: await drawAll(drawings) });
  }
  const suspicious: ContactSheet['suspicious'][number][] = [];
  for (const { text, all } of description.findings) {
    // An image is drawn once, with all its findings of a kind.
    const found = [...new Set(all.map(({ image }) => image))].flatMap((image) => {
      const at = images.findIndex(({ file }) => file.path === image);
      return at < 0 ? [] : [{ at, image }];
    });
    const drawings = found.slice(0, most.entries).map(({ at, image: own }): Drawing => {
      const [{ where, detail }, ...others] = all.filter(({ image }) => image === own);
      const more = others.length === 0 ? '' : `; ${others.length} more`;
      return { at, detail: `${where.replace(/^.*\//, '')}: ${detail}${more}`, isOwn: () => true };
    });
    const entries = (await drawAll(drawings)).map((drawn) => [drawn]);
    const note = entries.length < found.length ? `The first ${entries.length}.` : null;
    if (entries.length > 0) suspicious.push({ title: text, note, entries });
  }
  return {
    name: description.name,
    summary: [
      `${counted(description.images, 'image')} with ${counted(description.boxes, 'box', 'boxes')}. Thick lines: boxes of the row's class; thin lines: other classes; dashes: ignored.`,
      'Below each name: its boxes, its images, and how many of the boxes are for training / validation / test.',
    ],
    ...{ height: side, width: side, pixelated: false },
    ...{ rows, rowsTitle: 'Classes', suspicious },
    rowsNote: shown.length < description.classes.length ? `${shown.length} of ${description.classes.length}.` : null,
  };
}

/** The whole image in a square, with its boxes; the ones of the subject lie on top. */
async function pictureOf(bytes: Buffer, image: BoxImage, isOwn: Drawing['isOwn']): Promise<Buffer> {
  const { default: sharp } = await import('sharp');
  const marks = [...image.boxes]
    .sort((a, b) => Number(isOwn(a)) - Number(isOwn(b)))
    .map((box): BoxMark => {
      const [colour, line] = isOwn(box) ? [colours.own, 2] : [colours.other, 0.8];
      return { ...box, colour, line, dash: box.ignored ? '6 4' : '' };
    });
  return drawBoxes(sharp(bytes).autoOrient(), image, marks, { side, density: 2, square: true });
}
