import type { NamedSplitImage, PlacedDescription, SplitCounts } from './placed.js';
import { spread, type ContactSheet, type SheetImage } from './sheet.js';
import type { BoxData, SplitName } from '../../trainers/index.js';

/** Most classes, images of a class, and findings of a kind. */
const most = { classes: 30, images: 6, entries: 24 };
/** Pixels of a picture's longer side on the sheet; files have twice as many, for dense screens. */
export const sheetPicture = { side: 160, density: 2, square: true } as const;

/** The words of a kind of data on its contact sheet. */
export interface SheetTexts extends Pick<ContactSheet, 'name' | 'summary'> {
  /** What a row says under its class. */
  readonly rowOf: (label: number) => string[];
  /** What an image says before its split. */
  readonly imageOf: (at: number) => string;
}

/** A data set of boxes or masks. */
export interface SheetData {
  readonly tree: BoxData['tree'];
  readonly images: readonly NamedSplitImage[];
  readonly classes: readonly { readonly name: string; readonly splits: SplitCounts | null }[];
  readonly splits: readonly SplitName[] | null;
  readonly findings: PlacedDescription['findings'];
}

/**
 * Draws a contact sheet: some images of each class, and the images with findings.
 * @param draw a WebP file of an image, given its file; `label` is the class of the row, or null: all are the subject
 */
export async function placedSheet(
  { tree, images, classes, splits, findings }: SheetData,
  { rowOf, imageOf, ...texts }: SheetTexts,
  draw: (bytes: Buffer, at: number, label: number | null) => Promise<Buffer>,
): Promise<ContactSheet> {
  interface Drawing {
    readonly at: number;
    readonly detail: string;
  }
  const drawAll = async (drawings: readonly Drawing[], label: number | null): Promise<SheetImage[]> => {
    const drawn: SheetImage[] = [];
    for await (const { index: i, load } of tree.read(drawings.map(({ at }) => images[at].file))) {
      const { at, detail } = drawings[i];
      const webp = await draw(await load(), at, label);
      drawn[i] = { path: images[at].file.path, detail, webp: webp.toString('base64') };
    }
    return drawn;
  };
  const rows: ContactSheet['rows'][number][] = [];
  const shown = spread([...classes.entries()], most.classes, 0);
  for (const [label, { name, splits: counts }] of shown) {
    const having = [...images.keys()].filter((i) => images[i].labels.includes(label));
    const bySplit = counts === null ? [] : [[counts.train, counts.validation, counts.test].map(number).join(' / ')];
    const drawings = spread(having, most.images, 0.5).map((at): Drawing => ({
      at,
      detail: `${imageOf(at)} · ${splits?.[at] ?? 'unused'}`,
    }));
    rows.push({ name, detail: [...rowOf(label), ...bySplit], images: await drawAll(drawings, label) });
  }
  const suspicious: ContactSheet['suspicious'][number][] = [];
  for (const { text, all } of findings) {
    // An image is drawn once, with all its findings of a kind.
    const found = [...new Set(all.map(({ image }) => image))].flatMap((image) => {
      const at = images.findIndex(({ file }) => file.path === image);
      return at < 0 ? [] : [{ at, image }];
    });
    const drawings = found.slice(0, most.entries).map(({ at, image: own }): Drawing => {
      const [{ where, detail }, ...others] = all.filter(({ image }) => image === own);
      const more = others.length === 0 ? '' : `; ${others.length} more`;
      return { at, detail: `${where.replace(/^.*\//, '')}: ${detail}${more}` };
    });
    const entries = (await drawAll(drawings, null)).map((drawn) => [drawn]);
    const note = entries.length < found.length ? `The first ${entries.length}.` : null;
    if (entries.length > 0) suspicious.push({ title: text, note, entries });
  }
  return {
    ...texts,
    ...{ height: sheetPicture.side, width: sheetPicture.side, pixelated: false },
    ...{ rows, rowsTitle: 'Classes', suspicious },
    rowsNote: shown.length < classes.length ? `${shown.length} of ${classes.length}.` : null,
  };
}

const number = (value: number): string => value.toLocaleString('en-US');
