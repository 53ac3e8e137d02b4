import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import posix from 'node:path/posix';
import type { FileTree, StoredFile } from '../reading/files.js';
import { readLayout } from '../reading/layout.js';
import { kindOf } from '../reading/names.js';
import { openTree } from '../reading/tree.js';
import { looksLikeCoco, readCoco } from './coco.js';
import { looksLikeBoxes, readCsv } from './csv.js';
import { wrong, type RawData, type Text } from './raw.js';
import type { BoxesConfig } from '../schema.js';
import { boxFormats, type BoxFormat } from './schema.js';
import { isImageSet, readVoc } from './voc.js';
import { hasLabels, isYoloConfig, isYoloNames, readYolo } from './yolo.js';

/** A folder or an archive with its images and its other files by what they may hold. */
export interface Sources {
  readonly tree: FileTree;
  readonly images: readonly StoredFile[];
  /** The files with boxes of each format. */
  readonly formats: Readonly<Record<BoxFormat, readonly StoredFile[]>>;
}

/** How each format is read. */
const readers: {
  readonly [F in BoxFormat]: (texts: readonly Text[], sources: Sources, config: BoxesConfig) => RawData;
} = {
  coco: (texts) => readCoco(texts),
  voc: (texts, { images }) => readVoc(texts, images),
  yolo: (texts, { tree, images }) => readYolo(tree.path, texts, images),
  csv: (texts, _, { group }) => readCsv(texts, group),
};

const purpose = `images and their boxes: ${Object.values(boxFormats).join(', ')}`;

/** Most JSON and CSV files that are looked into; more of them are files of single images. */
const mostTables = 40;

/**
 * Finds the files with boxes in a folder or an archive, or takes the file that the path names.
 * @throws NasError `invalid-input` when there is no file with boxes
 */
export async function findSources(path: string): Promise<Sources> {
  const isFile = isFileOfBoxes(path);
  const tree = await openTree(isFile ? folderAround(path) : path, purpose);
  const visible = tree.files.filter(({ path: name }) => kindOf(name) !== 'hidden');
  const images = visible.filter(({ path: name }) => kindOf(name) === 'image');
  const named = isFile ? path.slice(tree.path.length + 1).replaceAll('\\', '/') : null;
  const isNamed = ({ path: name }: StoredFile): boolean => named === null || name === named;
  const matching = async (extension: RegExp, accept: (text: Text) => boolean): Promise<StoredFile[]> => {
    const found = visible.filter((file) => extension.test(file.path) && isNamed(file));
    if (found.length > mostTables) return [];
    return (await readTexts(tree, found)).filter(accept).map(({ file }) => file);
  };
  const texts = visible.filter(({ path: name }) => /\.txt$|\.ya?ml$|\.names$|(^|\/)_darknet\.labels$/i.test(name));
  const xml = visible.filter((file) => /\.xml$/i.test(file.path) && isNamed(file));
  const isOther = named !== null && !isYoloConfig(named) && !isYoloNames(named);
  const labels = texts.filter((file) => /\.txt$/i.test(file.path) || isNamed(file));
  const formats = {
    coco: ofInstances(await matching(/\.json$/i, looksLikeCoco)),
    voc: xml.length === 0 ? [] : [...xml, ...visible.filter(({ path: name }) => isImageSet(name))],
    yolo: !isOther && hasLabels(labels, images) ? labels : [],
    csv: await matching(/\.(csv|tsv)$/i, looksLikeBoxes),
  };
  return { tree, images, formats };
}

/** Whether a path is a file, and no archive. */
const isFileOfBoxes = (path: string): boolean =>
  existsSync(path) && statSync(path).isFile() && /\.(json|csv|tsv|ya?ml|txt|xml)$/i.test(path);

/** The files of boxes: the folder that COCO publishes has files of captions and of key points, too. */
function ofInstances(files: StoredFile[]): StoredFile[] {
  const named = (start: RegExp) => files.filter(({ path }) => start.test(posix.basename(path)));
  const own = named(/^instances/i);
  return own.length > 0 ? own : named(/^(?!(captions|image_info|panoptic|person_keypoints)_)/i);
}

/** The folder with a file and its images: the file may lie in a folder of its own beside them. */
function folderAround(path: string): string {
  const folder = dirname(path);
  const isBeside = /^(annotations?|labels?|annots?)$/i.test(basename(folder));
  return isBeside ? dirname(folder) : folder;
}

/**
 * Reads the boxes of a folder, an archive or a file.
 * @throws NasError `invalid-input` with file and line, or when there are boxes of no format, or of several
 */
export async function readRaw(config: BoxesConfig): Promise<{ readonly sources: Sources; readonly data: RawData }> {
  const sources = await findSources(config.path);
  const { tree, formats } = sources;
  const found = (Object.keys(boxFormats) as BoxFormat[]).filter((format) => formats[format].length > 0);
  const format = found.at(0);
  const { path } = config;
  if (format === undefined) throw wrong(path, 'there are no files with boxes', `Expected ${purpose}.`);
  if (found.length > 1)
    throw wrong(path, `there are boxes in several formats: ${found.join(', ')}`, 'Name the file with the boxes.');
  if (sources.images.length === 0)
    throw wrong(path, `there are boxes (${format}), but no images`, 'Name the folder that holds both.');
  return { sources, data: readers[format](await readTexts(tree, formats[format]), sources, config) };
}

export async function readTexts(tree: FileTree, files: readonly StoredFile[]): Promise<Text[]> {
  const texts: Text[] = [];
  for await (const { index, load } of tree.read(files))
    texts[index] = { file: files[index], bytes: await load(), name: join(tree.path, files[index].path) };
  return texts;
}

/** Whether a path has boxes, and no class folders; a file is looked at alone. A path that cannot be read has none. */
export async function holdsBoxes(path: string): Promise<boolean> {
  if (isFileOfBoxes(path)) {
    const text = { file: { path, stamp: '' }, bytes: await readFile(path), name: path };
    return /\.json$/i.test(path) ? looksLikeCoco(text) : looksLikeBoxes(text);
  }
  const found = await findSources(path).catch(() => null);
  if (found === null || found.images.length === 0 || Object.values(found.formats).flat().length === 0) return false;
  try {
    readLayout(found.tree);
    return false;
  } catch {
    return true;
  }
}
