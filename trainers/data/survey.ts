import { invalidInput } from '../../base/errors.js';
import { defaultDecoding } from '../../base/preprocess.js';
import { Random } from '../../base/random.js';
import { decodeImage } from './decode.js';
import { decodeEach } from './decode-files.js';
import type { DamagedFile, FileTree, StoredFile } from './reading/files.js';
import { damageText } from './report.js';
import { openImageFiles } from './prepare.js';
import type { ImageFilesConfig } from './schema.js';

/** Properties of image files, from a sample. */
export interface ImageSurvey {
  /** Median of the shorter sides, in pixels. */
  readonly side: number;
  /** Whether they have no colour, even if they are stored with three channels. */
  readonly grey: boolean;
  /** Number of all images. */
  readonly images: number;
}

/** Size of the sample: it is decoded in about a second. */
const sampled = 100;
/** Largest difference between channels of a grey pixel; JPEG stores colours coarsely. */
const greyTolerance = 8;

const rendering = { ...defaultDecoding, size: [32, 32], channels: 3 } as const;

const sampleOf = <T>(items: readonly T[]): T[] => new Random(0, 'survey').shuffle([...items]).slice(0, sampled);

/**
 * Decodes a random sample of image files; damaged images are left out.
 * @throws NasError `invalid-input` when the folder, archive or table is not understood, or no image of the sample can be read
 */
export async function surveyImages(config: ImageFilesConfig): Promise<ImageSurvey> {
  const source = await openImageFiles(config, rendering);
  const { items } = source.listing;
  const requests = sampleOf(items).map(({ file }) => ({ file, sampled: true }));
  const sides: number[] = [];
  const damaged: DamagedFile[] = [];
  let grey = true;
  for await (const { entry, pixels } of decodeEach(source, requests)) {
    const { path: file, header, damage } = entry;
    if (damage !== undefined) damaged.push({ path: file, ...damage });
    if (header !== undefined) sides.push(Math.min(header.width, header.height));
    if (pixels !== null) grey &&= isGrey(pixels);
  }
  if (sides.length === 0)
    throw invalidInput(`${config.path}: ${damageText(damaged, damaged.length)}`, {
      hint: 'Replace or remove these files.',
    });
  sides.sort((a, b) => a - b);
  return { side: sides[sides.length >> 1], grey, images: items.length };
}

interface TreeImages {
  readonly tree: FileTree;
  readonly images: readonly { readonly file: StoredFile }[];
}

/** The channels that a random sample of images needs: one where none has a colour. Damaged images do not count. */
export async function channelsFor({ tree, images }: TreeImages): Promise<1 | 3> {
  for await (const { load } of tree.read(sampleOf(images).map(({ file }) => file))) {
    const pixels = await load()
      .then((bytes) => decodeImage(bytes, rendering))
      .catch(() => null);
    if (pixels !== null && !isGrey(pixels)) return 3;
  }
  return 1;
}

/** Whether pixels [count, 3] have no colour. */
function isGrey(pixels: Uint8Array): boolean {
  for (let i = 0; i < pixels.length; i += 3) {
    const [r, g, b] = pixels.subarray(i, i + 3);
    if (Math.max(r, g, b) - Math.min(r, g, b) > greyTolerance) return false;
  }
  return true;
}
