import posix from 'node:path/posix';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { readText } from '../../../base/csv.js';
import { counted } from '../../../base/text.js';
import type { StoredFile } from '../reading/files.js';
import { splitMeaning, type SplitMeaning } from '../reading/names.js';
import { numberIn, wrong, type RawBox, type RawData, type RawImage, type Text } from './raw.js';
import { splitOfPath } from './split-paths.js';

type Split = SplitMeaning['split'];
const classFiles = /(^|\/)(classes\.txt|obj\.names|_darknet\.labels|[\w-]+\.names)$/i;
const configFile = /(^|\/)[^/]+\.ya?ml$/i;
const listFile = /(^|\/)(train|val|valid|test)\.txt$/i;
const names = z.union([z.array(z.coerce.string()), z.record(z.string().regex(/^\d+$/), z.coerce.string())]);
const paths = z.union([z.string(), z.array(z.string())]).nullish();
const configSchema = z.object({ names, nc: z.number().nullish(), train: paths, val: paths, valid: paths, test: paths });
const splitKeys = ['train', 'val', 'valid', 'test'] as const;

export const isYoloNames = (path: string): boolean => classFiles.test(path);
export const isYoloConfig = (path: string): boolean => configFile.test(path);
/** Text files that hold no boxes: names of classes, lists of images, licences. */
const isLabels = (path: string): boolean =>
  /\.txt$/i.test(path) &&
  !classFiles.test(path) &&
  !listFile.test(path) &&
  !/(^|\/)(readme|licen[cs]e|notes)[^/]*$/i.test(path);

/** The file of the boxes of an image: in a folder `labels` beside `images`, or beside the image. */
const labelPaths = (path: string): string[] => {
  const plain = path.replace(/\.\w+$/, '.txt');
  const folders = plain.split('/');
  const at = folders.findLastIndex((name, i) => i < folders.length - 1 && /^images$/i.test(name));
  return at < 0 ? [plain] : [folders.with(at, 'labels').join('/'), folders.with(at, 'Labels').join('/'), plain];
};

/** Whether text files may hold the boxes of images: beside them where a file names classes, else in folders `labels`. */
export function hasLabels(files: readonly StoredFile[], images: readonly StoredFile[]): boolean {
  const isNamed = files.some(({ path }) => isYoloConfig(path) || isYoloNames(path));
  const texts = new Set(
    files.map(({ path }) => path).filter((path) => isLabels(path) && (isNamed || /(^|\/)labels\//i.test(path))),
  );
  return texts.size > 0 && images.some(({ path }) => labelPaths(path).some((one) => texts.has(one)));
}

interface Names {
  readonly classes: readonly string[];
  readonly where: string;
  readonly splits: readonly { readonly split: Split; readonly path: string; readonly where: string }[];
}

/**
 * Reads YOLO text files: a file of boxes for each image, and the names of the classes in `data.yaml`, `classes.txt` or `obj.names`.
 * @param texts all text and YAML files
 * @throws NasError `invalid-input` with file and line
 */
export function readYolo(tree: string, texts: readonly Text[], images: readonly StoredFile[]): RawData {
  const { classes, splits, where } = namesOf(tree, texts);
  const notes = [`The classes are those of ${where}.`];
  const labels = new Map(texts.filter(({ file }) => isLabels(file.path)).map((text) => [text.file.path, text]));
  const lists = texts.filter(({ file }) => listFile.test(file.path));
  const listed = new Map(
    lists.flatMap((text) => linesOf(text).map(({ line }) => [tail(line), splitOfPath(text.file.path)])),
  );
  const longest = [...splits].sort((a, b) => b.path.length - a.path.length);
  const used = new Set<string>();
  let [without, polygons] = [0, 0];
  const found = images.map((file): RawImage => {
    const path = labelPaths(file.path).find((one) => labels.has(one));
    const text = path === undefined ? undefined : labels.get(path);
    if (path !== undefined) used.add(path);
    else without++;
    const boxes = text === undefined ? [] : linesOf(text).map(({ line, at }) => boxOf(line, at, classes.length));
    polygons += boxes.filter(({ isPolygon }) => isPolygon).length;
    const entry = longest.find((one) => isBelow(file.path, one.path));
    return {
      image: file,
      folder: '',
      boxes: boxes.map(({ box }) => box),
      split: entry?.split ?? listed.get(tail(file.path)) ?? splitOfPath(file.path),
      where: () => text?.name ?? `${tree}/${file.path}`,
    };
  });
  for (const { path, where: at, split } of splits)
    if (split === 'train' && !/\.txt$/i.test(path) && !found.some((one) => one.split === 'train'))
      throw wrong(at, `train is ${JSON.stringify(path)}, but no image lies there`, 'The path is relative to the file.');
  if (polygons > 0) notes.push(`${counted(polygons, 'polygon')} became the boxes around them.`);
  const folders = new Set([...used].map((path) => posix.dirname(path)));
  const isOrphan = ({ file: { path } }: Text): boolean => !used.has(path) && folders.has(posix.dirname(path));
  const orphans = [...labels.values()].filter(isOrphan).map(({ name }) => name);
  return { format: 'yolo', classes, images: found, relative: true, orphans, unlabelled: without, notes };
}

const tail = (path: string): string => path.trim().replaceAll('\\', '/').split('/').slice(-2).join('/');

/** Whether an image lies in a folder as `data.yaml` names it, from another folder or machine: its last two folders decide. */
function isBelow(path: string, folder: string): boolean {
  const parents = folder
    .replaceAll('\\', '/')
    .split('/')
    .filter((name) => !/^\.*$/.test(name));
  return `/${posix.dirname(path)}/`.includes(`/${parents.slice(-2).join('/')}/`.replace('//', '/'));
}

/** The lines of a text file that are not blank, with their places. */
const linesOf = (text: Text): { line: string; at: string }[] =>
  readText(text.name, text.bytes)
    .text.split(/\r\n|\n|\r/)
    .map((line, i) => ({ line: line.trim(), at: `${text.name}, line ${i + 1}` }))
    .filter(({ line }) => line !== '');

function boxOf(line: string, where: string, classes: number): { readonly box: RawBox; readonly isPolygon: boolean } {
  const cells = line.split(/\s+/);
  const [label, ...values] = cells.map((cell, i) => numberIn(cell, i === 0 ? 'the class' : `value ${i + 1}`, where));
  const hint = 'Expected a line for each box: class, x and y of the centre, width and height, as shares of the image.';
  if (!Number.isInteger(label) || label < 0)
    throw wrong(where, `the class is ${cells[0]}; expected a number from 0 to ${classes - 1}`, hint);
  const isPolygon = values.length >= 6 && values.length % 2 === 0;
  if (values.length === 5) throw wrong(where, '6 values, the last of which is a score: these are predictions', hint);
  if (values.length !== 4 && !isPolygon) throw wrong(where, `${cells.length} values; expected 5`, hint);
  const pixel = values.find((value) => Math.abs(value) > 2);
  if (pixel !== undefined) throw wrong(where, `${pixel} is no share of the width or height`, hint);
  const xs = values.filter((_, i) => i % 2 === 0);
  const ys = values.filter((_, i) => i % 2 === 1);
  const [x, y, width, height] = values;
  const box = isPolygon
    ? { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) }
    : { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 };
  const known = label < classes ? label : `class ${label}`;
  return { box: { ...box, label: known, ignored: false, where: () => where }, isPolygon };
}

/** The names of the classes, and the folders of the splits. */
function namesOf(tree: string, texts: readonly Text[]): Names {
  const configs = texts.filter(({ file }) => isYoloConfig(file.path)).flatMap((text) => configOf(text) ?? []);
  if (configs.length > 1 && new Set(configs.map(({ classes }) => classes.join('\n'))).size > 1)
    throw wrong(tree, 'its YAML files name different classes', 'Name one of the files in data.path.');
  if (configs.length > 0) return configs[0];
  const lists = texts.filter(({ file }) => isYoloNames(file.path));
  if (lists.length === 0) throw wrong(tree, 'no file names the classes', 'Add a classes.txt with a name in each line.');
  const classes = linesOf(lists[0]).map(({ line }) => line);
  if (classes.length === 0) throw wrong(`${lists[0].name}, line 1`, 'the file is empty', 'Write a class in each line.');
  return { classes: checked(classes, (i) => `${lists[0].name}, line ${i + 1}`), where: lists[0].file.path, splits: [] };
}

function checked(classes: readonly string[], where: (index: number) => string): readonly string[] {
  const twice = classes.findIndex((name, i) => classes.indexOf(name) !== i);
  if (twice >= 0)
    throw wrong(where(twice), `two classes are called "${classes[twice]}"`, 'Give each class its own name.');
  return classes;
}

/** A `data.yaml`; null for another YAML file. */
function configOf(text: Text): Names | null {
  const source = readText(text.name, text.bytes).text;
  const counter = new LineCounter();
  const document = parseDocument(source, { lineCounter: counter });
  const lineOf = (key: string): number => {
    const at = source.search(new RegExp(`^${key}\\s*:`, 'm'));
    return at < 0 ? 1 : source.slice(0, at).split('\n').length;
  };
  const where = (key: string): string => `${text.name}, line ${lineOf(key)}`;
  const error = document.errors.at(0);
  if (error !== undefined) {
    const { line } = counter.linePos(error.pos[0]);
    const problem = error.message.replace(/ at line [\s\S]*/, '');
    throw wrong(`${text.name}, line ${line}`, `not YAML: ${problem}`, 'Correct the line.');
  }
  const value: unknown = document.toJS();
  if (typeof value !== 'object' || value === null || !('names' in value)) return null;
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) {
    const [{ path }] = parsed.error.issues;
    const key = String(path[0]);
    const what = key === 'names' ? 'a list of classes' : key === 'nc' ? 'a number' : 'a folder';
    throw wrong(where(key), `${key} is no ${what.replace(/^a /, '')}`, `Expected ${what}.`);
  }
  const { names: given, nc } = parsed.data;
  const classes = Array.isArray(given) ? given : Object.keys(given).map((_, i) => given[String(i)]);
  const gap = classes.findIndex((_, i) => !Object.hasOwn(given, String(i)));
  if (gap >= 0)
    throw wrong(where('names'), `names has ${classes.length} classes, but none is number ${gap}`, 'Count from 0.');
  if (classes.length === 0) throw wrong(where('names'), 'names is empty', 'List the classes.');
  if (typeof nc === 'number' && nc !== classes.length)
    throw wrong(where('nc'), `nc is ${nc}, but there are ${classes.length} names`, 'Make both agree.');
  const splits = splitKeys.flatMap((key) => {
    const entry = parsed.data[key];
    const split = splitMeaning(key)?.split;
    if (entry === null || entry === undefined || split === undefined) return [];
    return [entry].flat().map((path) => ({ split, path, where: where(key) }));
  });
  return { classes: checked(classes, () => where('names')), where: text.file.path, splits };
}
