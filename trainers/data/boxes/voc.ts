import { groupBy } from '../../../base/group.js';
import posix from 'node:path/posix';
import { readText } from '../../../base/csv.js';
import type { StoredFile } from '../reading/files.js';
import { compareNames, type SplitMeaning } from '../reading/names.js';
import { numberIn, wrong, type RawBox, type RawData, type RawImage, type Text } from './raw.js';
import { splitOfPath } from './split-paths.js';
import { readXml, type Element } from './xml.js';

type Split = SplitMeaning['split'];
const hint = 'Expected Pascal VOC: <annotation> with <filename> and, for each box, <object> with <name> and <bndbox>.';

/** Lists of a folder ImageSets: `ImageSets/Main/train.txt`; lists of one class (`cat_train.txt`) and of other tasks are left out. */
const setFile = /^(?:(.*)\/)?ImageSets\/(?:Main\/)?(train|val|test|trainval)\.txt$/i;
export const isImageSet = (path: string): boolean => setFile.test(path);

/**
 * Reads Pascal VOC XML: a file for each image, and lists of images for the splits.
 * @param texts XML files and lists
 * @param images all image files of the tree
 * @throws NasError `invalid-input` with file and line
 */
export function readVoc(texts: readonly Text[], images: readonly StoredFile[]): RawData {
  const notes: string[] = [];
  const sets = setsOf(texts);
  const lists = readSets(sets);
  const byStem = groupBy(images, ({ path }) => posix.parse(path).name);
  const read = texts.filter(({ file }) => !isImageSet(file.path)).map(annotationOf);
  const firsts = read.flatMap(({ objects }) => objects.flatMap(({ box }) => [box.left, box.top]));
  const first = firsts.some((value) => value < 1) ? 0 : 1;
  notes.push(
    `Pixels are counted from ${first === 0 ? '0, since some boxes begin below 1' : '1, as Pascal VOC defines'}.`,
  );
  const classes = [...new Set(read.flatMap(({ objects }) => objects.map(({ name }) => name)))].sort(compareNames);
  const labels = new Map(classes.map((name, label) => [name, label]));
  let left = 0;
  const found = read.flatMap(({ text, filename, extent, objects }): RawImage[] => {
    const { dir, name: stem } = posix.parse(text.file.path);
    const around = posix.basename(dir).toLowerCase().startsWith('annotation') ? posix.dirname(dir) : dir;
    const folder = around === '.' ? '' : around;
    const set = lists.get(folder);
    const split = set === undefined ? splitOfPath(text.file.path) : set.get(stem);
    if (split === undefined) {
      left++;
      return [];
    }
    const boxes = objects.map(({ name, box, ...rest }): RawBox => ({
      ...{ top: box.top - first, left: box.left - first, bottom: box.bottom, right: box.right },
      label: labels.get(name) ?? name,
      ...rest,
    }));
    return [
      {
        image: byStem.get(stem)?.find(({ path }) => path.startsWith(folder)) ?? filename,
        ...{ folder, boxes, extent, split },
        where: () => `${text.name}, line 1`,
      },
    ];
  });
  if (lists.size > 0) notes.push(`Splits are those of ${sets.map(({ file }) => file.path).join(', ')}.`);
  if (left > 0) notes.push(`${left} annotations are in none of these lists and are left out.`);
  return { format: 'voc', classes, images: found, relative: false, notes };
}

/** The lists of images; `trainval` counts only where there is no `train`. */
function setsOf(texts: readonly Text[]): readonly Text[] {
  const sets = texts.filter(({ file }) => isImageSet(file.path));
  const paths = new Set(sets.map(({ file }) => file.path));
  return sets.filter(
    ({ file: { path } }) => !/trainval\.txt$/.test(path) || !paths.has(path.replace('trainval', 'train')),
  );
}

/** The lists by the folder around ImageSets. */
function readSets(sets: readonly Text[]): Map<string, Map<string, Split>> {
  const found = new Map<string, Map<string, Split>>();
  for (const text of sets) {
    const { path } = text.file;
    const root = setFile.exec(path)?.[1] ?? '';
    const split = splitOfPath(path) ?? 'train';
    const own = found.get(root) ?? new Map<string, Split>();
    found.set(root, own);
    for (const [i, line] of readText(text.name, text.bytes).text.split(/\r?\n/).entries()) {
      // Lists of one class have a sign after the name.
      const name = posix.parse(line.trim().split(/\s+/)[0]).base.replace(/\.(jpe?g|png|xml)$/i, '');
      if (name === '') continue;
      const before = own.get(name);
      if (before !== undefined && before !== split)
        throw wrong(`${text.name}, line ${i + 1}`, `${name} is in ${before}, too`, 'An image is in one split.');
      own.set(name, split);
    }
  }
  return found;
}

function annotationOf(text: Text) {
  const root = readXml(text.name, readText(text.name, text.bytes).text);
  const at = (element: Element): string => `${text.name}, line ${element.line}`;
  if (root.name !== 'annotation') {
    const other = root.name === 'annotations' ? "This is CVAT's own format: export Pascal VOC, COCO or YOLO." : hint;
    throw wrong(at(root), `the file begins with <${root.name}>`, other);
  }
  const child = (element: Element, name: string): Element => {
    const found = element.children.find((one) => one.name === name);
    if (found === undefined) throw wrong(at(element), `<${element.name}> has no <${name}>`, hint);
    return found;
  };
  const value = (element: Element, name: string): number => {
    const found = child(element, name);
    return numberIn(found.text, `<${name}>`, at(found));
  };
  const size = root.children.find(({ name }) => name === 'size');
  const extent = size === undefined ? null : { width: value(size, 'width'), height: value(size, 'height') };
  const objects = root.children
    .filter(({ name }) => name === 'object')
    .map((object) => {
      const name = child(object, 'name').text;
      if (name === '') throw wrong(at(child(object, 'name')), '<name> is empty', 'Give the object its class.');
      const box = child(object, 'bndbox');
      const [left, top, right, bottom] = ['xmin', 'ymin', 'xmax', 'ymax'].map((edge) => value(box, edge));
      const difficult = object.children.find((one) => one.name === 'difficult')?.text ?? '0';
      if (!/^([01]|true|false|unspecified)?$/i.test(difficult))
        throw wrong(at(object), `<difficult> is ${JSON.stringify(difficult)}; expected 0 or 1`, hint);
      return {
        name,
        box: { left, top, right, bottom },
        ignored: /^(1|true)$/i.test(difficult),
        where: () => at(box),
      };
    });
  const filename = root.children.find(({ name }) => name === 'filename')?.text ?? posix.parse(text.file.path).name;
  return { text, filename, extent: extent !== null && extent.width > 0 && extent.height > 0 ? extent : null, objects };
}
