import { join } from 'node:path';
import posix from 'node:path/posix';
import { readText } from '../../../base/csv.js';
import { invalidInput } from '../../../base/errors.js';
import { kindOf, splitsNamed, type SplitMeaning } from '../reading/names.js';
import { openTree } from '../reading/tree.js';
import { splitOfPath } from '../boxes/split-paths.js';
import type { MasksConfig } from '../schema.js';
import type { MeaningOptions } from './meaning.js';
import type { FoundMasks } from './found.js';
import { findCocoMasks } from './coco.js';
import { findLabelMe, holdsLabelMe } from './labelme.js';
import { isClassTable, readClassTable, type ClassTable } from './names.js';
import { pairFiles } from './pairs.js';
import type { MaskFinding } from './findings.js';

const purpose =
  'images and masks: images/a.jpg and masks/a.png, a.jpg and a_mask.png, SegmentationClass of PASCAL VOC, Cityscapes, COCO JSON, or JSON of LabelMe beside the images';

/** `ImageSets/Segmentation/train.txt` of PASCAL VOC. */
const setFile = /(^|\/)ImageSets\/Segmentation\/(train|val|test)\.txt$/i;

/**
 * Finds the images and masks of a folder or an archive.
 * @throws NasError `invalid-input` when there are none
 */
export async function findMasks({ path }: Pick<MasksConfig, 'path'>): Promise<FoundMasks> {
  const tree = await openTree(path, purpose);
  const visible = tree.files.filter(({ path: name }) => kindOf(name) !== 'hidden');
  const { pairs, missing, orphans } = pairFiles(visible.filter(({ path: name }) => kindOf(name) === 'image'));
  const coco = pairs.length === 0 ? await findCocoMasks(path) : null;
  if (coco !== null) return coco;
  const texts = new Map<string, string>();
  const small = visible.filter(({ path: name }) => isClassTable(name) || setFile.test(name));
  for await (const { index, load } of tree.read(small)) {
    const name = small[index].path;
    texts.set(name, readText(join(path, name), await load()).text);
  }
  const table = tableOf(texts, path);
  const labelMe = pairs.length === 0 ? await findLabelMe(tree, table) : null;
  if (labelMe !== null) return labelMe;
  if (pairs.length === 0) throw invalidInput(`${path}: no image has a mask`, { hint: `Expected ${purpose}.` });
  const notes: string[] = [];
  const sets = new Map<string, SplitMeaning['split']>();
  for (const [name, text] of texts) {
    const split = setFile.exec(name)?.[2].toLowerCase();
    if (split === undefined) continue;
    for (const stem of text.split(/\s+/))
      if (stem !== '') sets.set(stem, split === 'val' ? 'validation' : split === 'test' ? 'test' : 'train');
  }
  const meanings = pairs.map(({ image }) =>
    sets.size > 0 ? sets.get(posix.parse(image.path).name) : splitOfPath(image.path),
  );
  const used = pairs.flatMap((pair, i) => (meanings[i] === undefined ? [] : [{ ...pair, meaning: meanings[i] }]));
  if (sets.size > 0) notes.push('Splits are those of ImageSets/Segmentation.');
  if (used.length < pairs.length)
    notes.push(`${pairs.length - used.length} images are in none of these lists and are left out.`);
  const splitOf = splitsNamed(new Set(used.flatMap(({ meaning }) => meaning ?? [])));
  return {
    tree,
    files: used.map(({ image, mask, meaning }) => ({
      file: image,
      mask,
      split: meaning === null ? null : splitOf(meaning),
    })),
    table,
    convention: conventionOf(pairs.map(({ mask }) => mask.path)),
    findings: [
      ...missing.map(({ path: where }): MaskFinding => ({ kind: 'missing', where, detail: '', image: where })),
      ...orphans.map(({ path: where }): MaskFinding => ({ kind: 'orphan', where, detail: '', image: null })),
    ],
    notes,
  };
}

/** Whether a path has images with masks, and none without: most are pairs, or shapes of LabelMe. A path that cannot be read has none. */
export async function holdsMasks(path: string): Promise<boolean> {
  const tree = await openTree(path, purpose).catch(() => null);
  if (tree === null) return false;
  const { pairs, missing, orphans } = pairFiles(tree.files.filter(({ path: name }) => kindOf(name) === 'image'));
  return pairs.length > 4 * (missing.length + orphans.length) || (pairs.length === 0 && (await holdsLabelMe(tree)));
}

/** The table of classes with colours, else the first one. */
function tableOf(texts: ReadonlyMap<string, string>, path: string): ClassTable | null {
  const tables = [...texts].flatMap(([name, text]) =>
    isClassTable(name) ? (readClassTable(text, join(path, name)) ?? []) : [],
  );
  return tables.find(({ isColours }) => isColours) ?? tables.at(0) ?? null;
}

function conventionOf(masks: readonly string[]): MeaningOptions['convention'] {
  if (masks.every((path) => /_labelTrainIds\.\w+$/.test(path))) return 'cityscapes-train-ids';
  if (masks.every((path) => /_labelIds\.\w+$/.test(path))) return 'cityscapes-ids';
  return masks.every((path) => /(^|\/)SegmentationClass/i.test(path)) ? 'voc' : null;
}
