import { Random } from '../../base/random.js';
import { outputNames } from '../../base/scores.js';
import { counted } from '../../base/text.js';
import { thumbnail, thumbnailSide } from './thumbnail.js';
import { contentsText, withoutRepeated, type DescribedData, type NamedImage } from './describe.js';

/** An image of a contact sheet. */
export interface SheetImage {
  readonly path: string;
  /** Classes or numbers, and split. */
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
  /** Charts above the rows, as SVG. */
  readonly charts?: readonly string[];
  readonly rows: readonly {
    readonly name: string;
    readonly detail: readonly string[];
    readonly images: readonly SheetImage[];
  }[];
  readonly rowsTitle: string;
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
/** Longer side of an image on the sheet. */
const side = thumbnailSide / 2;

const number = (value: number): string => value.toLocaleString('en-US');

/**
 * Draws a contact sheet: some images of each class, spread evenly over the hashes of their pixels, and the suspicious ones.
 * @param seed of the choice of images
 */
export async function contactSheet({ description, inspected, nameOf }: DescribedData, seed = 0): Promise<ContactSheet> {
  const { height, width, channels, classes, pairs, plain } = description;
  const longer = Math.max(height, width);
  const factor = longer <= side / 2 ? Math.floor(side / longer) : side / longer;
  const draw = async (named: NamedImage): Promise<SheetImage> => ({
    path: named.path,
    detail: `${named.label} · ${named.split ?? 'unused'}`,
    webp: (await thumbnail(inspected.read(named.row), inspected.info)).toString('base64'),
  });
  const drawAll = (images: readonly NamedImage[]): Promise<SheetImage[]> => Promise.all(images.map(draw));
  const all = groupsOf({ description, inspected, nameOf });
  const shown = spread(all, most.classes, 0);
  const rows: ContactSheet['rows'][number][] = [];
  for (const [i, { name, detail, images }] of shown.entries()) {
    const start = new Random(seed, 'sheet', i).uniform();
    rows.push({ name, detail, images: await drawAll(spread(images, most.images, start).map(nameOf)) });
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
      `${contentsText(description)}, each as a network sees it: ${height} × ${width} pixels, ${channels === 1 ? 'grey' : 'colour'}.`,
      ...(classes.length === 0
        ? []
        : ['Below each name: its images, and how many of them are for training / validation / test.']),
    ],
    height: Math.round(height * factor),
    width: Math.round(width * factor),
    pixelated: longer <= side / 2,
    rows,
    rowsTitle: outputNames[description.task][1],
    rowsNote: shown.length < all.length ? `${shown.length} of the ${number(all.length)} are shown.` : null,
    suspicious,
  };
}

interface Group {
  readonly name: string;
  readonly detail: readonly string[];
  /** In the order in which they are shown. */
  readonly images: readonly number[];
}

/** The images of each class or label by the hashes of their pixels; for each number of a regression, all images by its value. */
function groupsOf({ description, inspected }: DescribedData): Group[] {
  const { labelsOf, numbersOf, keys, info } = inspected;
  const every = Array.from({ length: info.count }, (_, row) => row);
  if (numbersOf !== null)
    return info.classes.map((name, k) => {
      const images = [...every].sort((a, b) => numbersOf(a)[k] - numbersOf(b)[k] || a - b);
      return { name, detail: ['from the smallest', 'to the largest'], images };
    });
  const rows = info.classes.map((): number[] => []);
  for (const row of every) for (const label of labelsOf(row)) rows[label].push(row);
  return description.classes.map(({ name, images, splits }, label) => {
    const counts = splits === null ? [] : [[splits.train, splits.validation, splits.test].map(number).join(' / ')];
    const sorted = rows[label].sort((a, b) => keys[a] - keys[b] || a - b);
    return { name, detail: [counted(images, 'image'), ...counts], images: sorted };
  });
}

/** At most `count` values at equal distances. @param start in [0, 1), of a distance */
export function spread<T>(values: readonly T[], count: number, start: number): T[] {
  if (values.length <= count) return [...values];
  return Array.from({ length: count }, (_, i) => values[Math.floor(((i + start) * values.length) / count)]);
}
