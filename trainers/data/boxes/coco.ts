import { z } from 'zod';
import { readText } from '../../../base/csv.js';
import { messageOf } from '../../../base/errors.js';
import { splitMeaning } from '../reading/names.js';
import { elementLines, lineOfSyntaxError } from './json-lines.js';
import { splitOfPath } from './split-paths.js';
import { wrong, type RawBox, type RawData, type RawImage, type Text } from './raw.js';

const id = z.union([z.number(), z.string()]);
const flag = z.union([z.literal(0), z.literal(1), z.boolean()]);
const cocoSchema = z.object({
  images: z.array(
    z.object({ id, file_name: z.string().min(1), width: z.number().nullish(), height: z.number().nullish() }),
  ),
  annotations: z.array(
    z.object({
      image_id: id,
      category_id: id,
      bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]),
      iscrowd: flag.nullish(),
      ignore: flag.nullish(),
      segmentation: z.unknown().optional(),
    }),
  ),
  categories: z.array(z.object({ id, name: z.string().min(1), supercategory: z.unknown().optional() })),
});
type Coco = z.output<typeof cocoSchema>;

/** What some keys hold, for messages. */
const expected = new Map([
  ['bbox', 'four numbers: x, y, width, height'],
  ['file_name', 'the path of an image'],
  ['name', 'the name of a class'],
]);
const hint = 'Expected COCO JSON: images, annotations with bbox, and categories.';
const unique = 'Each image and each category has its own id, and each category its own name.';

/** Whether a JSON file is COCO's, from its first bytes and its keys. */
export const looksLikeCoco = ({ bytes }: Text): boolean => {
  const text = bytes.toString('latin1');
  return /^[\s\xef\xbb\xbf]*\{/.test(text) && /"annotations"\s*:/.test(text) && /"images"\s*:/.test(text);
};

/** A COCO file and where its elements are. */
interface File extends Coco {
  readonly text: Text;
  readonly where: (key: 'images' | 'annotations' | 'categories', index: number) => string;
}

/** Reads COCO JSON, one file or one for each split. @throws NasError `invalid-input` with file and line */
export function readCoco(texts: readonly Text[]): RawData {
  const files = texts.map(parse);
  const notes: string[] = [];
  const classes = classesOf(files, notes);
  const images = files.flatMap((file) => imagesOf(file, classes, files.length > 1 || isSplitFile(file.text)));
  return { format: 'coco', classes, images, relative: false, notes };
}

const isSplitFile = ({ file: { path } }: Text): boolean => splitMeaning(path.split('/').at(-1) ?? '') !== null;

function parse(text: Text): File {
  const { text: source } = readText(text.name, text.bytes);
  const lines = new Map<string, number[]>();
  const where: File['where'] = (key, index) => {
    const own = lines.get(key) ?? elementLines(source, key);
    lines.set(key, own);
    return `${text.name}, line ${own.at(index) ?? 1}: ${key}[${index}]`;
  };
  let value: unknown;
  try {
    value = JSON.parse(source.replace(/^\ufeff/, ''));
  } catch (cause) {
    const problem = messageOf(cause);
    throw wrong(
      `${text.name}, line ${lineOfSyntaxError(source, problem)}`,
      `not JSON: ${problem.split(/, (?:\.\.\.)?"/)[0]}`,
      'Export the annotations again; numbers are finite in JSON.',
      cause,
    );
  }
  const parsed = cocoSchema.safeParse(value);
  if (parsed.success) return { ...parsed.data, text, where };
  const [{ path }] = parsed.error.issues;
  const [key, index, name = key, inside] = path.map(String) as (string | undefined)[];
  const isElement = (key === 'images' || key === 'annotations' || key === 'categories') && index !== undefined;
  const at = isElement ? where(key, Number(index)) : `${text.name}, line 1`;
  const found = path.reduce<unknown>((inner, step) => (inner as Record<PropertyKey, unknown>)[step], value);
  const shown = found === undefined ? 'nothing' : JSON.stringify(found).slice(0, 60);
  const what = expected.get(name ?? '') ?? (index === undefined ? 'a list' : 'a number or a text');
  throw wrong(at, `${name}${inside === undefined ? '' : `[${inside}]`} is ${shown}; expected ${what}`, hint);
}

/** The classes of all files by the order of the first; categories that only group others are left out. */
function classesOf(files: readonly File[], notes: string[]): string[] {
  const classes: string[] = [];
  for (const { categories, annotations, where } of files) {
    const used = new Set(annotations.map(({ category_id }) => category_id));
    const groups = new Set(categories.map(({ supercategory }) => supercategory));
    for (const [index, category] of categories.entries()) {
      const { name, id: own } = category;
      const twin = categories.slice(0, index).find((other) => other.name === name || other.id === own);
      if (twin !== undefined) {
        const problem = twin.name === name ? `are called "${name}"` : `have the id ${own}`;
        throw wrong(where('categories', index), `two categories ${problem}`, unique);
      }
      if (classes.includes(name)) continue;
      if (category.supercategory === 'none' && groups.has(name) && !used.has(category.id)) {
        const note = `The category ${name} groups the others and has no boxes: it is no class.`;
        if (!notes.includes(note)) notes.push(note);
      } else classes.push(name);
    }
  }
  return classes;
}

function imagesOf(
  { text, images, annotations, categories, where }: File,
  classes: string[],
  isSplit: boolean,
): RawImage[] {
  const label = new Map(categories.map((category) => [String(category.id), classes.indexOf(category.name)]));
  // Some programs write a number in one place and its text in another.
  const boxes = new Map<string, RawBox[]>();
  for (const [index, image] of images.entries()) {
    if (boxes.has(String(image.id))) throw wrong(where('images', index), `two images have the id ${image.id}`, unique);
    boxes.set(String(image.id), []);
  }
  for (const [index, { image_id, category_id, bbox, iscrowd, ignore, segmentation }] of annotations.entries()) {
    const own = boxes.get(String(image_id));
    if (own === undefined)
      throw wrong(where('annotations', index), `image_id is ${JSON.stringify(image_id)}, which no image has`, hint);
    const [left, top, width, height] = bbox;
    const known = label.get(String(category_id));
    own.push({
      ...{ left, top, right: left + width, bottom: top + height },
      label: known === undefined || known < 0 ? `category_id ${category_id}` : known,
      ignored: Boolean(iscrowd) || Boolean(ignore),
      ...(Boolean(iscrowd) && { crowd: true }),
      shape: segmentation,
      where: () => where('annotations', index),
    });
  }
  const folder = text.file.path.split('/').slice(0, -1).join('/');
  return images.map(({ id: key, file_name: image, width, height }, index) => ({
    ...{ image, folder },
    boxes: boxes.get(String(key)) ?? [],
    extent: width && height ? { width, height } : null,
    // A file for all images may still name the folders of their splits.
    split: (isSplit ? splitOfPath(text.file.path) : null) ?? splitOfPath(image.replaceAll('\\', '/')),
    where: () => where('images', index),
  }));
}
