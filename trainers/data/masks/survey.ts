import { availableParallelism } from 'node:os';
import type { Extent } from '../../../base/boxes.js';
import { messageOf } from '../../../base/errors.js';
import { isTurned, storedExtent } from '../boxes/turned.js';
import { readHeaders, type Header, type ReadBoxesOptions } from '../boxes/read.js';
import { mapInOrder } from '../decode-files.js';
import type { FileTree, StoredFile } from '../reading/files.js';
import { counted } from '../../../base/text.js';
import type { MaskFinding } from './findings.js';
import { KnownSurveys } from './known-surveys.js';
import type { FoundMasks, MaskFile } from './found.js';
import { surveyOf, type SurveyedMask } from './meaning.js';
import { decodePicture, upright, type Picture } from './picture.js';

/** An image whose mask was looked at. */
export interface Surveyed extends MaskFile {
  readonly header: Exclude<Header, string>;
  readonly survey: SurveyedMask;
  readonly load: () => Promise<Picture>;
}

/** The values of a mask, or why it cannot be read. */
interface Counted {
  readonly survey: SurveyedMask | string;
  /** Of its file, where reading it alone takes long. */
  readonly bytes?: Buffer;
}

/** Counts the values of masks, unless they were counted before; of shapes that belong to a damaged image, none are. */
async function countMasks(
  { tree, files }: Pick<FoundMasks, 'tree' | 'files'>,
  headers: readonly (Header | string)[],
  { cache, signal }: ReadBoxesOptions,
): Promise<readonly (Counted | undefined)[]> {
  // Single files of a TAR archive take as long to read as all of them.
  const isTar = /\.(tar|tar\.gz|tgz)$/i.test(tree.path);
  const known = isTar ? null : new KnownSurveys(tree.path, cache);
  const all = files.map(({ draw, mask }): Counted | undefined => {
    const survey = draw === undefined ? known?.find(mask) : undefined;
    return survey && { survey };
  });
  const stored = files.flatMap(({ draw }, i) => (draw === undefined && all[i] === undefined ? [i] : []));
  async function* sources() {
    for (const [index, file] of files.entries()) {
      const header = headers[index];
      if (file.draw !== undefined && typeof header !== 'string')
        yield { index, read: async () => ({ survey: surveyOf(await drawn(file, header)) }) };
    }
    const masks = stored.map((index) => files[index].mask);
    for await (const { index, load } of tree.read(masks, signal))
      yield {
        index: stored[index],
        read: async () => {
          const bytes = await load();
          const survey = surveyOf(await decodePicture(bytes));
          known?.add(masks[index], survey);
          return { survey, ...(isTar && { bytes }) };
        },
      };
  }
  const reads = mapInOrder(
    sources(),
    async ({ index, read }) => {
      const refused = (error: unknown): Counted => ({ survey: messageOf(error).split('\n')[0] });
      return { index, one: await read().catch(refused) };
    },
    2 * availableParallelism(),
  );
  for await (const { index, one } of reads) {
    signal?.throwIfAborted();
    all[index] = one;
  }
  known?.write();
  return all;
}

/** Reads the headers of images and the values of their masks. */
export async function surveyMasks(
  { tree, files, notes }: Pick<FoundMasks, 'tree' | 'files' | 'notes'>,
  findings: MaskFinding[],
  options: ReadBoxesOptions,
): Promise<Surveyed[]> {
  const headers = await readHeaders(tree, files, options);
  const masks = await countMasks({ tree, files }, headers, options);
  const surveyed: Surveyed[] = [];
  /** The images that are stored turned. */
  const turned: Record<Way, number> = { shown: 0, stored: 0, either: 0 };
  // Most programs show images upright; where masks of other images are as the files store them, these are, too.
  const usual = (): Way => (turned.stored > turned.shown ? 'stored' : 'shown');
  for (const [index, one] of files.entries()) {
    const { file, mask, draw } = one;
    const image = file.path;
    const header = headers[index];
    const { survey, bytes } = masks[index] ?? {};
    if (typeof header === 'string') findings.push({ kind: 'damaged', where: image, detail: header, image });
    else if (typeof survey === 'string') findings.push({ kind: 'unreadable', where: mask.path, detail: survey, image });
    else if (survey !== undefined) {
      const detail = `${survey.width} x ${survey.height}, the image ${header.width} x ${header.height}`;
      const way = wayOf(survey, header);
      if (way === null) {
        findings.push({ kind: 'proportions', where: mask.path, detail, image });
        continue;
      }
      const size = way === 'stored' ? storedExtent(header, header.orientation) : header;
      if (survey.width !== size.width || survey.height !== size.height)
        findings.push({ kind: 'extent', where: mask.path, detail, image });
      if (header.orientation > 1) turned[way]++;
      const load = async () => {
        const picture = await (draw === undefined
          ? decodePicture(bytes ?? (await contentOf(tree, mask)))
          : drawn(one, header));
        return (way === 'either' ? usual() : way) === 'stored' ? upright(picture, header.orientation) : picture;
      };
      surveyed.push({ ...one, header, survey, load });
    }
  }
  notes.push(...turnedNotes(turned, usual()));
  return surveyed;
}

/** The mask of shapes, in the size for which they are written. */
const drawn = async ({ draw, extent = null }: MaskFile, header: Exclude<Header, string>): Promise<Picture> => {
  if (draw === undefined) throw new Error('the mask is an image file');
  return Promise.resolve(isTurned(extent, header, header.orientation) ? extent : header).then(draw);
};

/** How the mask of an image lies: as the image is shown, as its file stores it turned, or both by its proportions. */
type Way = 'shown' | 'stored' | 'either';

/** Null: the mask has other proportions. */
function wayOf(mask: Extent, { orientation, ...shown }: Exclude<Header, string>): Way | null {
  const isShown = isSameProportions(mask, shown);
  const isStored = orientation > 1 && isSameProportions(mask, storedExtent(shown, orientation));
  return isShown && isStored ? 'either' : isShown ? 'shown' : isStored ? 'stored' : null;
}

function turnedNotes({ stored, either }: Readonly<Record<Way, number>>, usual: Way): string[] {
  const images = (count: number) => counted(count, 'image is', 'images are');
  return [
    ...(stored === 0
      ? []
      : [`${images(stored)} stored turned, and the masks with them: by their sizes, masks are those of the files.`]),
    ...(either === 0
      ? []
      : [`${images(either)} stored turned, with masks that fit both ways: they are read as the images are ${usual}.`]),
  ];
}

/** Whether two sizes differ by rounding alone. */
const isSameProportions = (a: Extent, b: Extent): boolean =>
  Math.abs((a.width * b.height) / (a.height * b.width) - 1) <= 1 / Math.min(a.width, a.height, b.width, b.height);

async function contentOf(tree: FileTree, file: StoredFile): Promise<Buffer> {
  for await (const { load } of tree.read([file])) return await load();
  throw new Error(`${file.path} is gone`);
}
