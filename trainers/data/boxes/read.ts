import { createHash } from 'node:crypto';
import posix from 'node:path/posix';
import type { Extent, LabelledBox } from '../../../base/boxes.js';
import { messageOf } from '../../../base/errors.js';
import { counted } from '../../../base/text.js';
import { imageExtent } from '../decode.js';
import type { FileTree, StoredFile } from '../reading/files.js';
import { finder } from '../reading/list-files.js';
import { splitsNamed } from '../reading/names.js';
import type { SplitName } from '../splits.js';
import { checkBoxes, type Finding } from './check.js';
import { readRaw } from './layout.js';
import { wrong, type RawBox, type RawData, type RawImage } from './raw.js';
import type { BoxesConfig } from '../schema.js';
import type { BoxFormat } from './schema.js';
import { splitOfPath } from './split-paths.js';
import { isTurned, turnedBox } from './turned.js';

/** An image with its boxes in pixels of the image as it is shown, upright. */
export interface BoxImage extends Extent {
  readonly file: StoredFile;
  readonly boxes: readonly LabelledBox[];
  /** The split that the source assigns; null: none. */
  readonly split: SplitName | null;
  /** Name of the group that stays in one split; empty: none. */
  readonly group: string;
  /** SHA-256 of the file. */
  readonly content: string;
}

/** Images with boxes, as one value for all formats. */
export interface BoxData {
  readonly tree: FileTree;
  readonly format: BoxFormat;
  readonly classes: readonly string[];
  /** By path. Images without boxes are among them. */
  readonly images: readonly BoxImage[];
  /** Images that no file with boxes names; formats with a file of boxes beside each image count them as images without boxes. */
  readonly unlabelled: number;
  readonly findings: readonly Finding[];
  /** Sentences about how the files were read. */
  readonly notes: readonly string[];
}

export interface ReadBoxesOptions {
  /** Folder of all caches; by default `cacheDirectory()`. */
  readonly cache?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  onProgress?(done: number, total: number): void;
}

const hint = 'Name the folder that holds the images and the files with the boxes.';

/**
 * Reads images and boxes. Files that are damaged and boxes that cannot be used are left out and become findings.
 * @throws NasError `invalid-input` with file and line where a file with boxes is not understood
 */
export async function readBoxes(config: BoxesConfig, options: ReadBoxesOptions = {}): Promise<BoxData> {
  const { sources, data } = await readRaw(config);
  const { tree, images } = sources;
  const findings: Finding[] = (data.orphans ?? []).map((where) => ({ kind: 'orphan', where, detail: '', image: null }));
  const notes = [...data.notes];
  const { classes } = data;
  if (classes.length === 0) throw wrong(config.path, 'the files have no class, and no box', hint);
  const found = mergedImages(images, data, (finding) => findings.push(finding));
  const splitOf = splitsNamed(new Set(found.flatMap(({ raw }) => raw.split ?? [])));
  const headers = await readHeaders(tree, found, options);
  let turned = 0;
  const read = found.flatMap(({ file, raw, boxes }, i): BoxImage[] => {
    const header = headers[i];
    if (typeof header === 'string') {
      findings.push({ kind: 'damaged', where: raw.where(), detail: header, image: file.path });
      return [];
    }
    const { width, height, content, orientation } = header;
    const { extent = null } = raw;
    const isStored = !data.relative && isTurned(extent, header, orientation);
    if (isStored) turned++;
    else if (extent !== null && (extent.width !== width || extent.height !== height)) {
      const detail = `${width} x ${height}, written ${extent.width} x ${extent.height}`;
      findings.push({ kind: 'extent', where: raw.where(), detail, image: file.path });
    }
    const upright = isStored ? boxes.map((box) => turnedBox(box, extent, orientation)) : boxes;
    const pixels = data.relative ? boxes.map((box) => scaled(box, header)) : upright;
    const checked = checkBoxes(file.path, header, pixels);
    findings.push(...checked.findings);
    const split = raw.split === null ? null : splitOf(raw.split);
    return [{ file, width, height, boxes: checked.kept, split, group: raw.group ?? groupOf(file.path), content }];
  });
  const unlabelled = data.unlabelled ?? images.length - new Set(found.map(({ file }) => file.path)).size;
  if (read.length === 0)
    throw wrong(
      config.path,
      `none of ${counted(data.images.length, 'image')} can be used: ${findings.at(0)?.where ?? 'none is listed'}`,
      hint,
    );
  if (turned > 0)
    notes.push(
      `${counted(turned, 'image is', 'images are')} stored turned, and ${turned === 1 ? 'its boxes with it' : 'their boxes with them'}: by the written size, boxes are those of the file.`,
    );
  const grouped = new Set(read.map(({ group }) => group)).size;
  if (read.some(({ group }) => group !== '') && read.every(({ split }) => split === null))
    notes.push(`${counted(grouped, 'group')} of images stay in one split each.`);
  return { tree, format: data.format, classes, images: read, unlabelled, findings, notes };
}

/** Roboflow's copies of one image, which differ by augmentation: `street_png.rf.8f3a....jpg`. */
export const groupOf = (path: string): string => /([^/]+)\.rf\.[0-9a-zA-Z]{8,}\.\w+$/.exec(path)?.[1] ?? '';

const scaled = (box: RawBox, { width, height }: Extent): RawBox => ({
  ...box,
  left: box.left * width,
  right: box.right * width,
  top: box.top * height,
  bottom: box.bottom * height,
});

interface Found {
  readonly file: StoredFile;
  readonly raw: RawImage;
  readonly boxes: RawBox[];
}

/** The file of each image, in the order of the paths; images that are listed twice have the boxes of both. */
export function mergedImages(
  images: readonly StoredFile[],
  data: Pick<RawData, 'images'>,
  report: (finding: Finding) => void,
): Found[] {
  const byPath = new Map(images.map((file) => [file.path, file]));
  const find = finder({ at: (path) => byPath.get(path) ?? null, all: () => images });
  const found = new Map<string, Found>();
  for (const raw of data.images) {
    const { image, folder } = raw;
    const isOwn = ({ path }: StoredFile): boolean => raw.split !== null && splitOfPath(path) === raw.split;
    // Programs write the paths of the machine on which they ran.
    const file =
      typeof image === 'string'
        ? (find(image, folder, isOwn) ?? find(posix.basename(image.replaceAll('\\', '/')), '', isOwn))
        : image;
    if (file === null) {
      report({
        kind: 'missing',
        where: raw.where(),
        detail: typeof image === 'string' ? image : '',
        image: null,
      });
      continue;
    }
    const before = found.get(file.path);
    if (before === undefined) {
      found.set(file.path, { file, raw, boxes: [...raw.boxes] });
      continue;
    }
    if (before.raw.split !== raw.split)
      throw wrong(
        raw.where(),
        `${file.path} is in the split ${raw.split ?? '(none)'}, and in ${before.raw.split ?? '(none)'} by ${before.raw.where()}`,
        'An image is in one split: remove one of the entries.',
      );
    report({ kind: 'repeated', where: raw.where(), detail: before.raw.where(), image: file.path });
    before.boxes.push(...raw.boxes);
  }
  return [...found.values()].sort((a, b) => (a.file.path < b.file.path ? -1 : 1));
}

export type Header = Extent & { readonly orientation: number; readonly content: string };

/** The size and the hash of each image; a text says why it cannot be read. */
export async function readHeaders(
  tree: FileTree,
  found: readonly { readonly file: StoredFile }[],
  options: ReadBoxesOptions,
): Promise<(Header | string)[]> {
  const headers: (Header | string)[] = [];
  const files = found.map(({ file }) => file);
  let done = 0;
  for await (const { index, load } of tree.read(files, options.signal)) {
    options.signal?.throwIfAborted();
    try {
      const bytes = await load();
      const content = createHash('sha256').update(bytes).digest('hex');
      headers[index] = { ...(await imageExtent(bytes)), content };
    } catch (error) {
      headers[index] = messageOf(error).split('\n')[0];
    }
    if (++done % 64 === 0 || done === files.length) options.onProgress?.(done, files.length);
  }
  return headers;
}
