import { availableParallelism } from 'node:os';
import type { Extent } from '../../../base/boxes.js';
import { messageOf } from '../../../base/errors.js';
import { isTurned, storedExtent } from '../boxes/turned.js';
import { readHeaders, type Header, type ReadBoxesOptions } from '../boxes/read.js';
import { mapInOrder } from '../decode-files.js';
import type { FileTree, StoredFile } from '../reading/files.js';
import { counted } from '../../../base/text.js';
import type { MaskFinding } from './findings.js';
import type { FoundMasks, MaskFile } from './found.js';
import { surveyOf, type SurveyedMask } from './meaning.js';
import { decodePicture, upright, type Picture } from './picture.js';

/** An image whose mask was looked at. */
export interface Surveyed extends MaskFile {
  readonly header: Exclude<Header, string>;
  readonly survey: SurveyedMask;
  readonly load: () => Promise<Picture>;
}

/** Reads the headers of images and counts the values of their masks. */
export async function surveyMasks(
  { tree, files, notes }: Pick<FoundMasks, 'tree' | 'files' | 'notes'>,
  findings: MaskFinding[],
  options: ReadBoxesOptions,
): Promise<Surveyed[]> {
  const headers = await readHeaders(tree, files, options);
  // Single files of a TAR archive take as long to read as all of them.
  const isTar = /\.(tar|tar\.gz|tgz)$/i.test(tree.path);
  const surveyed = new Array<Surveyed | null>(files.length).fill(null);
  /** The images that are stored turned. */
  const turned: Record<Way, number> = { shown: 0, stored: 0, either: 0 };
  // Most programs show images upright; where masks of other images are as the files store them, these are, too.
  const usual = (): Way => (turned.stored > turned.shown ? 'stored' : 'shown');
  const stored = files.flatMap(({ draw }, index) => (draw === undefined ? [index] : []));
  async function* sources() {
    for (const [index, file] of files.entries()) {
      const header = headers[index];
      if (file.draw !== undefined && typeof header !== 'string')
        yield { index, load: async () => ({ picture: await drawn(file, header), bytes: null }) };
    }
    const masks = stored.map((index) => files[index].mask);
    for await (const { index, load } of tree.read(masks, options.signal))
      yield {
        index: stored[index],
        load: () => load().then(async (bytes) => ({ picture: await decodePicture(bytes), bytes })),
      };
  }
  const loaded = mapInOrder(
    sources(),
    async ({ index, load }) => {
      try {
        const { picture, bytes } = await load();
        return { index, bytes: isTar ? bytes : null, survey: surveyOf(picture) };
      } catch (error) {
        return { index, survey: messageOf(error).split('\n')[0] };
      }
    },
    2 * availableParallelism(),
  );
  for await (const { index, survey, bytes = null } of loaded) {
    options.signal?.throwIfAborted();
    const { file, mask, draw } = files[index];
    const image = file.path;
    const header = headers[index];
    if (typeof header === 'string') findings.push({ kind: 'damaged', where: image, detail: header, image });
    else if (typeof survey === 'string') findings.push({ kind: 'unreadable', where: mask.path, detail: survey, image });
    else {
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
          : drawn(files[index], header));
        return (way === 'either' ? usual() : way) === 'stored' ? upright(picture, header.orientation) : picture;
      };
      surveyed[index] = { ...files[index], header, survey, load };
    }
  }
  notes.push(...turnedNotes(turned, usual()));
  return surveyed.filter((one) => one !== null);
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
