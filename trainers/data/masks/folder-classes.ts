import type { StoredFile } from '../reading/files.js';
import { splitMeaning } from '../reading/names.js';
import { plainFolder } from './pairs.js';
import type { SurveyedMask } from './meaning.js';

/** Classes that the folders of binary masks name. */
export interface FolderClasses {
  readonly classes: readonly string[];
  /** The class of the foreground of an image; 0 is the background. */
  labelOf(path: string): number;
}

/** Fewer images in a folder are no class, and more folders than this are patients or places. */
const leastImages = 3;
const mostFolders = 50;

/** The nearest folder around a file whose name means neither images, masks nor a split; null: none. */
const folderOf = (path: string): string | null =>
  path
    .split('/')
    .slice(0, -1)
    .findLast((name) => plainFolder(name) !== '' && splitMeaning(name) === null) ?? null;

/**
 * The classes of binary masks in a folder for each: `MT_Crack/Imgs/a.png`. A folder whose masks are all empty has no class.
 * @returns null where folders name no classes
 */
export function folderClasses(
  images: readonly { readonly file: StoredFile; readonly survey: SurveyedMask }[],
  notes: string[],
): FolderClasses | null {
  const folders = new Map<string, { count: number; isEmpty: boolean }>();
  for (const { file, survey } of images) {
    const name = folderOf(file.path);
    if (name === null) return null;
    const before = folders.get(name) ?? { count: 0, isEmpty: true };
    const isEmpty = [...survey.counts.keys()].every((value) => value < 128);
    folders.set(name, { count: before.count + 1, isEmpty: before.isEmpty && isEmpty });
  }
  const all = [...folders].sort(([a], [b]) => (a < b ? -1 : 1));
  const isNumbered = new Set(all.map(([name]) => name.replace(/\d+/g, ''))).size === 1;
  const own = all.filter(([, { isEmpty }]) => !isEmpty);
  if (all.length > mostFolders || isNumbered || own.length < 2 || all.some(([, { count }]) => count < leastImages))
    return null;
  const shared = commonStart(all.map(([name]) => name));
  const classes = own.map(([name]) => name.slice(shared));
  const empty = all.filter(([, { isEmpty }]) => isEmpty).map(([name]) => name);
  notes.push(
    `Masks are binary: each folder names the class of its own (${classes.join(', ')}${empty.length === 0 ? '' : `; ${empty.join(', ')}: only background`}). data.classes: [background, foreground] makes them one.`,
  );
  const labels = new Map(own.map(([name], i) => [name, i + 1]));
  return { classes, labelOf: (path) => labels.get(folderOf(path) ?? '') ?? 1 };
}

/** The length of the common start of some names, up to the end of a word: `MT_`. */
function commonStart(names: readonly string[]): number {
  const [first] = names;
  let length = 0;
  for (let i = 0; i < first.length && names.every((name) => name.length > i + 1 && name[i] === first[i]); i++)
    if (/[_\-. ]/.test(first[i])) length = i + 1;
  return length;
}
