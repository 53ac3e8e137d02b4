import { groupBy } from '../../../base/group.js';
import posix from 'node:path/posix';
import type { StoredFile } from '../reading/files.js';

/** Words that name masks in folders and at the ends of file names. */
const maskWords = new Set([
  ...['mask', 'masks', 'label', 'labels', 'labelids', 'labeltrainids', 'annotation', 'annotations', 'annot', 'annots'],
  ...[
    'ann',
    'seg',
    'segmentation',
    'segmentations',
    'segmentationclass',
    'segmentationclassaug',
    'segmentationclasspng',
  ],
  ...[
    'groundtruth',
    'truth',
    'gt',
    'gtfine',
    'trimap',
    'trimaps',
    'target',
    'targets',
    'lbl',
    'semantic',
    'stuffthingmaps',
  ],
]);
/** Words that name images there, and words beside the others: `img_dir`, `original_images`. */
const imageWords = new Set([
  ...['image', 'images', 'img', 'imgs', 'jpegimages', 'jpg', 'jpeg', 'leftimg8bit', 'photo', 'photos', 'rgb', 'input'],
  ...[
    'inputs',
    'sat',
    'original',
    'ground',
    'class',
    'dir',
    'data',
    'png',
    'raw',
    'pixel',
    'level',
    'fine',
    'color',
    'colour',
  ],
]);
/** Other pictures that programs write beside masks: of instances, and of classes in other colours. */
const otherPictures =
  /(^|\/)(segmentationobject|instances?)(\/|$)|_(instanceids|color|polygons|instancetrainids)\.\w+$/i;
/** `trainannot` of CamVid: the words of a split and of masks in one. */
const joined = /^(train|val|test)(annot|labels|masks?)$/;

interface Named {
  readonly file: StoredFile;
  /** Equal for an image and its mask. */
  readonly key: string;
  readonly stem: string;
  readonly isMask: boolean;
}

const wordsOf = (name: string): string[] =>
  name
    .toLowerCase()
    .replace(joined, '$1_$2')
    .split(/[^\p{L}\p{N}]+/u);

/** A folder or file name without the words of masks and images. */
function plain(words: readonly string[]): { readonly rest: string; readonly isMask: boolean } {
  const rest = words.filter((word) => !maskWords.has(word) && !imageWords.has(word));
  return { rest: rest.join('_'), isMask: words.some((word) => maskWords.has(word)) };
}

/** The words of masks and images at the start and at the end of a file's name are no part of it. */
function plainStem(stem: string): { readonly rest: string; readonly isMask: boolean } {
  const words = wordsOf(stem);
  let [from, to] = [0, words.length];
  const isCommon = (word: string): boolean => maskWords.has(word) || imageWords.has(word) || word === '';
  while (to > from && isCommon(words[to - 1])) to--;
  while (from < to && isCommon(words[from])) from++;
  if (from === to) return { rest: words.join('_'), isMask: false };
  // `a_L.png` of CamVid.
  const isLabel = to - from > 1 && /[_-]L$/.test(stem);
  const own = isLabel ? to - 1 : to;
  const isMask = isLabel || words.some((word, i) => (i < from || i >= to) && maskWords.has(word));
  return { rest: words.slice(from, own).join('_'), isMask };
}

/** The name of a folder without the words of masks and images. */
export const plainFolder = (name: string): string => plain(wordsOf(name)).rest;

function named(file: StoredFile): Named {
  const folders = posix.dirname(file.path).split('/');
  const stem = posix.basename(file.path, posix.extname(file.path));
  const own = plainStem(stem);
  const around = folders.filter((name) => name !== '.').map((name) => plain(wordsOf(name)));
  const rest = around.map((folder) => folder.rest).filter((name) => name !== '');
  return {
    file,
    key: [...rest, own.rest].join('/'),
    stem: own.rest,
    isMask: own.isMask || around.some((folder) => folder.isMask),
  };
}

export interface Pairs {
  readonly pairs: readonly { readonly image: StoredFile; readonly mask: StoredFile }[];
  /** Images without a mask. */
  readonly missing: readonly StoredFile[];
  /** Masks without an image. */
  readonly orphans: readonly StoredFile[];
}

/** Of several masks of an image, the one that counts: train ids before ids, then by path. */
const preferred = (files: readonly StoredFile[]): StoredFile =>
  files.find(({ path }) => /trainids/i.test(path)) ?? files[0];

/** `a/image.jpg` and `a/mask.png`: a folder for each image, whose only other files are its masks. */
function pairsOfFolders(files: readonly StoredFile[]): Pairs {
  const isMask = ({ path }: StoredFile): boolean => wordsOf(posix.parse(path).name).some((word) => maskWords.has(word));
  const folders = [...groupBy(files, ({ path }) => posix.dirname(path)).values()].map((own) => ({
    images: own.filter((file) => !isMask(file)),
    masks: own.filter(isMask),
  }));
  const isPair = ({ images, masks }: (typeof folders)[number]): boolean => images.length === 1 && masks.length > 0;
  const others = folders.filter((folder) => !isPair(folder));
  return {
    pairs: folders.filter(isPair).map(({ images: [image], masks }) => ({ image, mask: preferred(masks) })),
    missing: others.flatMap(({ images }) => images),
    orphans: others.flatMap(({ masks }) => masks),
  };
}

/**
 * The image and the mask of each pair, by the names of files and folders: `images/a.jpg` and `masks/a.png`, `a.jpg` and
 * `a_mask.png`, `a.jpg` and `a.png` in one folder, or `a/image.jpg` and `a/mask.png`.
 */
export function pairFiles(files: readonly StoredFile[]): Pairs {
  const pictures = files.filter(({ path }) => !otherPictures.test(path));
  const found = pairsOfNames(pictures.map(named));
  const inFolders = found.pairs.length === 0 ? pairsOfFolders(pictures) : null;
  return inFolders !== null && inFolders.pairs.length > 0 ? inFolders : found;
}

function pairsOfNames(all: readonly Named[]): Pairs {
  const hasMasks = all.some(({ isMask }) => isMask);
  // Without names of masks, the PNG beside a JPEG is its mask.
  const isMask = hasMasks ? (one: Named) => one.isMask : ({ file }: Named) => /\.(png|gif|tiff?)$/i.test(file.path);
  const [images, masks] = [all.filter((one) => !isMask(one)), all.filter(isMask)];
  const [byKey, byStem] = [groupBy(masks, ({ key }) => key), groupBy(masks, ({ stem }) => stem)];
  const imagesOfStem = groupBy(images, ({ stem }) => stem);
  const used = new Set<Named>();
  const pairs = images.flatMap((image) => {
    const alone = imagesOfStem.get(image.stem)?.length === 1 ? byStem.get(image.stem) : undefined;
    const found = byKey.get(image.key) ?? alone;
    if (found === undefined) return [];
    for (const one of found) used.add(one);
    return [{ image: image.file, mask: preferred(found.map(({ file }) => file)) }];
  });
  const paired = new Set(pairs.map(({ image }) => image));
  return {
    pairs,
    missing: images.flatMap(({ file }) => (paired.has(file) ? [] : [file])),
    orphans: masks.flatMap((one) => (used.has(one) ? [] : [one.file])),
  };
}
