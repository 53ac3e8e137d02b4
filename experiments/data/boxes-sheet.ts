import type { LabelledBox } from '../../base/boxes.js';
import { counted } from '../../base/text.js';
import type { BoxImage } from '../../trainers/index.js';
import type { DescribedBoxes } from './boxes.js';
import { spread, type ContactSheet, type SheetImage } from './sheet.js';
import { thumbnailSide } from './thumbnail.js';

/** Most classes, images of a class, and findings of a kind. */
const most = { classes: 30, images: 10, entries: 24 };
/** Boxes of the row's class, of other classes, and ignored ones: told apart by width and dashes, too. */
const colours = { own: '#ff8c00', other: '#ffffff', edge: '#111111' };

const number = (value: number): string => value.toLocaleString('en-US');

/** An image of the sheet: its index, and which of its boxes are the subject. */
interface Drawing {
  readonly at: number;
  readonly detail: string;
  readonly isOwn: (box: LabelledBox) => boolean;
}

/** Draws a contact sheet: some images of each class with all their boxes, and the images with findings. */
export async function boxesSheet({ description, data, splits }: DescribedBoxes): Promise<ContactSheet> {
  const { images, classes, tree } = data;
  const index = new Map(images.map((image, i) => [image.file.path, i]));
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
  const shown = spread([...classes.keys()], most.classes, 0);
  for (const label of shown) {
    const isOwn = (box: LabelledBox): boolean => box.label === label;
    const own = spread(
      [...images.keys()].filter((i) => images[i].boxes.some(isOwn)),
      most.images,
      0.5,
    );
    const { boxes, images: count, splits: counts } = description.classes[label];
    const bySplit = counts === null ? [] : [[counts.train, counts.validation, counts.test].map(number).join(' / ')];
    const detail = (at: number): string =>
      `${counted(images[at].boxes.length, 'box', 'boxes')} · ${splits?.[at] ?? 'unused'}`;
    rows.push({
      name: classes[label],
      detail: [counted(boxes, 'box', 'boxes'), counted(count, 'image'), ...bySplit],
      images: await drawAll(own.map((at) => ({ at, detail: detail(at), isOwn }))),
    });
  }
  const suspicious: ContactSheet['suspicious'][number][] = [];
  for (const { text, all } of description.findings) {
    const first = new Map(all.toReversed().map((finding) => [index.get(finding.image ?? ''), finding]));
    const found = [...first].flatMap(([at, { where, detail }]): Drawing[] =>
      at === undefined ? [] : [{ at, detail: `${where.replace(/^.*\//, '')}: ${detail}`, isOwn: () => true }],
    );
    const entries = (await drawAll(found.slice(0, most.entries))).map((image) => [image]);
    const note = entries.length < found.length ? `The first ${entries.length}.` : null;
    if (entries.length > 0) suspicious.push({ title: text, note, entries });
  }
  return {
    name: description.name,
    summary: [
      `${counted(description.images, 'image')} with ${counted(description.boxes, 'box', 'boxes')}. Thick lines: boxes of the row's class; thin lines: other classes; dashes: ignored.`,
      'Below each name: its boxes, its images, and how many of the boxes are for training / validation / test.',
    ],
    ...{ height: thumbnailSide / 2, width: thumbnailSide / 2, pixelated: false },
    ...{ rows, rowsTitle: 'Classes', suspicious },
    rowsNote: shown.length < classes.length ? `${shown.length} of the ${number(classes.length)} are shown.` : null,
  };
}

/** The whole image in a square, with its boxes. */
async function pictureOf(bytes: Buffer, { width, height, boxes }: BoxImage, isOwn: Drawing['isOwn']): Promise<Buffer> {
  const { default: sharp } = await import('sharp');
  const scale = thumbnailSide / Math.max(width, height);
  const [across, down] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  const rectangle = (box: LabelledBox, colour: string, line: number): string =>
    `<rect x="${box.left * scale}" y="${box.top * scale}" width="${(box.right - box.left) * scale}" height="${(box.bottom - box.top) * scale}" ` +
    `fill="none" stroke="${colour}" stroke-width="${line}"${box.ignored ? ' stroke-dasharray="6 4"' : ''}/>`;
  const shapes = [...boxes]
    .sort((a, b) => Number(isOwn(a)) - Number(isOwn(b)))
    .map((box) => {
      const line = isOwn(box) ? 3 : 1;
      return rectangle(box, colours.edge, line + 2) + rectangle(box, isOwn(box) ? colours.own : colours.other, line);
    });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${across}" height="${down}">${shapes.join('')}</svg>`;
  const small = await sharp(bytes)
    .autoOrient()
    .flatten({ background: '#ffffff' })
    .resize(across, down, { fit: 'fill' })
    .png()
    .toBuffer();
  const framed = await sharp(small)
    .toColourspace('srgb')
    .composite([{ input: Buffer.from(svg) }])
    .png()
    .toBuffer();
  return sharp(framed)
    .resize(thumbnailSide, thumbnailSide, { fit: 'contain', background: '#ffffff' })
    .webp({ quality: 80 })
    .toBuffer();
}
