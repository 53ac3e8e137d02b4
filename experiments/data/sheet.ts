import { Random } from '../../base/random.js';
import { counted } from '../../base/text.js';
import type { InspectedData } from '../../trainers/index.js';
import { withoutRepeated, type DescribedData, type NamedImage } from './describe.js';

/** An image of a contact sheet. */
export interface SheetImage {
  readonly path: string;
  /** Class and split. */
  readonly detail: string;
  /** A WebP file in base64. */
  readonly webp: string;
}

/** Images of a data set as networks see them. */
export interface ContactSheet {
  readonly name: string;
  /** Sentences about all images. */
  readonly summary: readonly string[];
  /** Size at which images are shown, in pixels. */
  readonly height: number;
  readonly width: number;
  /** Whether images are enlarged by a whole number, pixel by pixel. */
  readonly pixelated: boolean;
  readonly rows: readonly {
    readonly name: string;
    readonly detail: readonly string[];
    readonly images: readonly SheetImage[];
  }[];
  /** Which classes are shown, unless all are. */
  readonly rowsNote: string | null;
  /** Images that may be wrong: alone, or in pairs that look the same. */
  readonly suspicious: readonly {
    readonly title: string;
    /** How many of them are shown, unless all are. */
    readonly note: string | null;
    readonly entries: readonly (readonly SheetImage[])[];
  }[];
}

/** Most classes, images of a class, and suspicious entries of a kind. */
const most = { classes: 30, images: 10, entries: 24 };
/** Longer side of an image on the sheet, and in its file, for screens of twice the density. */
const side = { shown: 96, stored: 192 };

const number = (value: number): string => value.toLocaleString('en-US');

/**
 * Draws a contact sheet: some images of each class, spread evenly over the hashes of their pixels, and the suspicious ones.
 * @param seed of the choice of images
 */
export async function contactSheet({ description, inspected, nameOf }: DescribedData, seed = 0): Promise<ContactSheet> {
  const { height, width, channels, classes, pairs, plain } = description;
  const longer = Math.max(height, width);
  const factor = longer <= side.shown / 2 ? Math.floor(side.shown / longer) : side.shown / longer;
  const draw = async (named: NamedImage): Promise<SheetImage> => ({
    path: named.path,
    detail: `${named.class} · ${named.split ?? 'unused'}`,
    webp: await thumbnail(inspected, named.row),
  });
  const drawAll = (images: readonly NamedImage[]): Promise<SheetImage[]> => Promise.all(images.map(draw));
  const shown = spread(
    classes.map((_, label) => label),
    most.classes,
    0,
  );
  const rowsOf = rowsByClass(inspected);
  const rows: ContactSheet['rows'][number][] = [];
  for (const label of shown) {
    const { name, images, splits } = classes[label];
    const start = new Random(seed, 'sheet', label).uniform();
    rows.push({
      name,
      detail: [
        counted(images, 'image'),
        ...(splits === null ? [] : [`${number(splits.train)} / ${number(splits.validation)} / ${number(splits.test)}`]),
      ],
      images: await drawAll(spread(rowsOf[label], most.images, start).map(nameOf)),
    });
  }
  const ofOneColour = counted(plain.length, 'image of one colour', 'images of one colour');
  const kinds: { title: string; count: number; entries: readonly (readonly NamedImage[])[] }[] = [
    ...withoutRepeated(pairs).map(({ text, images }, i) => ({
      title: text,
      count: pairs[i].images.length,
      entries: images,
    })),
    { title: ofOneColour, count: plain.length, entries: plain.map((one) => [one]) },
  ];
  const suspicious: ContactSheet['suspicious'][number][] = [];
  for (const { title, count, entries } of kinds) {
    if (entries.length === 0) continue;
    const first: SheetImage[][] = [];
    for (const entry of entries.slice(0, most.entries)) first.push(await drawAll(entry));
    const notes = [
      ...(entries.length < count ? ['Without those above.'] : []),
      ...(first.length < entries.length ? [`The first ${first.length}.`] : []),
    ];
    suspicious.push({ title, note: notes.join(' ') || null, entries: first });
  }
  return {
    name: description.name,
    summary: [
      `${counted(description.images, 'image')} of ${counted(classes.length, 'class', 'classes')}, each as a network sees it: ${height} × ${width} pixels, ${channels === 1 ? 'grey' : 'colour'}.`,
      'Below the name of a class: its images, and how many of them are for training / validation / test.',
    ],
    height: Math.round(height * factor),
    width: Math.round(width * factor),
    pixelated: longer <= side.shown / 2,
    rows,
    rowsNote: shown.length < classes.length ? `${shown.length} of the ${number(classes.length)} are shown.` : null,
    suspicious,
  };
}

/** The images of each class, sorted by the hashes of their pixels. */
function rowsByClass({ info, labels, keys }: InspectedData): number[][] {
  const rows = info.classes.map((): number[] => []);
  for (const [row, label] of labels.entries()) rows[label].push(row);
  for (const own of rows) own.sort((a, b) => keys[a] - keys[b] || a - b);
  return rows;
}

/** At most `count` values at equal distances. @param start in [0, 1), of a distance */
function spread(values: readonly number[], count: number, start: number): number[] {
  if (values.length <= count) return [...values];
  return Array.from({ length: count }, (_, i) => values[Math.floor(((i + start) * values.length) / count)]);
}

async function thumbnail({ info: { height, width, channels }, read }: InspectedData, row: number): Promise<string> {
  const { default: sharp } = await import('sharp');
  const raw = { height, width, channels: channels === 1 ? 1 : 3 } as const;
  const bytes = await sharp(read(row), { raw })
    .resize({ width: side.stored, height: side.stored, fit: 'inside', withoutEnlargement: true })
    .webp({ nearLossless: true, quality: 60 })
    .toBuffer();
  return bytes.toString('base64');
}
