import { availableParallelism } from 'node:os';
import type { Extent } from '../../../base/boxes.js';
import { messageOf } from '../../../base/errors.js';
import { readHeaders, type Header, type ReadBoxesOptions } from '../boxes/read.js';
import { mapInOrder } from '../decode-files.js';
import type { FileTree, StoredFile } from '../reading/files.js';
import type { MaskFinding } from './findings.js';
import type { MaskFile } from './found.js';
import { surveyOf, type SurveyedMask } from './meaning.js';
import { decodePicture, type Picture } from './picture.js';

/** An image whose mask was looked at. */
export interface Surveyed extends MaskFile {
  readonly header: Exclude<Header, string>;
  readonly survey: SurveyedMask;
  readonly load: () => Promise<Picture>;
}

/** Reads the headers of images and counts the values of their masks. */
export async function surveyMasks(
  tree: FileTree,
  files: readonly MaskFile[],
  findings: MaskFinding[],
  options: ReadBoxesOptions,
): Promise<Surveyed[]> {
  const headers = await readHeaders(tree, files, options);
  // Single files of a TAR archive take as long to read as all of them.
  const isTar = /\.(tar|tar\.gz|tgz)$/i.test(tree.path);
  const surveyed = new Array<Surveyed | null>(files.length).fill(null);
  const stored = files.flatMap(({ draw }, index) => (draw === undefined ? [index] : []));
  async function* sources() {
    for (const [index, { draw }] of files.entries()) {
      const header = headers[index];
      if (draw !== undefined && typeof header !== 'string')
        yield { index, load: async () => ({ picture: await Promise.resolve(header).then(draw), bytes: null }) };
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
      const isSame = isSameProportions(survey, header);
      if (!isSame) findings.push({ kind: 'proportions', where: mask.path, detail, image });
      else if (survey.width !== header.width || survey.height !== header.height)
        findings.push({ kind: 'extent', where: mask.path, detail, image });
      const load = async () =>
        draw === undefined ? decodePicture(bytes ?? (await contentOf(tree, mask))) : draw(header);
      surveyed[index] = isSame ? { ...files[index], header, survey, load } : null;
    }
  }
  return surveyed.filter((one) => one !== null);
}

/** Whether two sizes differ by rounding alone. */
const isSameProportions = (a: Extent, b: Extent): boolean =>
  Math.abs((a.width * b.height) / (a.height * b.width) - 1) <= 1 / Math.min(a.width, a.height, b.width, b.height);

async function contentOf(tree: FileTree, file: StoredFile): Promise<Buffer> {
  for await (const { load } of tree.read([file])) return await load();
  throw new Error(`${file.path} is gone`);
}
