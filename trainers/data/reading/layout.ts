import { join } from 'node:path';
import { invalidInput, type NasError } from '../../../base/errors.js';
import type { SplitName } from '../splits.js';
import { folderTree, imagesBelow, unreadableText, type Folder } from './folder-tree.js';
import { plainName, readableText, splitMeaning, splitsNamed, type SplitMeaning } from './names.js';
import type { DamagedFile, FileTree, SkippedFile, StoredFile } from './files.js';
import { isTable } from './table.js';
import { looksLikeArchive } from './tree.js';

/** An image of a data set. */
export interface Item {
  readonly file: StoredFile;
  /** Index into the classes. */
  readonly label: number;
  /** The split that the layout or the list assigns; null: none. */
  readonly split: SplitName | null;
  /** Index of the group, such as a patient, that stays in one split. */
  readonly group?: number;
}

/** The images and classes of a folder, an archive or a list. */
export interface Listing {
  readonly classes: readonly string[];
  /** Folders: the training split first, then by class and path. Lists: the order of the rows. */
  readonly items: readonly Item[];
  readonly skipped: readonly SkippedFile[];
  /** Images that cannot be used, as the list already says. */
  readonly damaged?: readonly DamagedFile[];
  /** Sentences about the way it was read. */
  readonly notes: readonly string[];
}

/** A folder of class folders and its split. */
interface Part {
  readonly split: SplitName | null;
  readonly folder: Folder;
}

interface Reading {
  readonly tree: FileTree;
  /** Of the tree, for messages. */
  readonly path: string;
  /** The class folders that the user names. */
  readonly wanted: readonly string[] | undefined;
  readonly notes: string[];
}

/** Folders that hold images or what belongs to them: no classes where all are such folders. */
const containers = new Set([
  ...['images', 'image', 'imgs', 'img', 'jpegimages', 'photos', 'pictures', 'data', 'dataset', 'rgb', 'thumbnails'],
  ...['masks', 'mask', 'labels', 'label', 'annotations', 'annotation', 'gt', 'groundtruth', 'depth'],
  ...['segmentation', 'segmentations', 'segmentationclass', 'segmentationobject'],
]);
const isContainer = ({ name }: Folder): boolean => containers.has(plainName(name).replaceAll(/[\s_-]/g, ''));

const namesOf = (folders: readonly Folder[]): string => {
  const shown = folders.slice(0, 10).map(({ name }) => name);
  return folders.length > 10 ? `${shown.join(', ')}, ... (${folders.length} in all)` : shown.join(', ');
};
const imagesText = (count: number): string => (count === 1 ? '1 image' : `${count.toLocaleString('en-US')} images`);

const layoutHint =
  'A classifier needs at least two classes; data.path names the folder that holds one folder per class, or train and test (or val) folders of such folders.';

/**
 * Finds classes and splits in the folders of a tree as a person would: one folder per class, at the top or below folders that
 * only wrap them; inside folders that name splits (train, Training, valid, dev, test_set, ...); or around such folders.
 * @param wanted the class folders in the order of the labels; by default all of them, sorted
 * @throws NasError `invalid-input` with a remedy where the layout is not clear
 */
export function readLayout(tree: FileTree, wanted?: readonly string[]): Listing {
  const { root, skipped } = folderTree(tree);
  if (root.count === 0) throw nothingToRead(tree, root);
  const reading: Reading = { tree, path: tree.path, wanted, notes: [] };
  const parts = findParts(reading, root);
  const found = parts ?? classFolders(reading, root);
  const { classes, items } = Array.isArray(found) ? classesInSplits(reading, found) : found;
  const used = new Set(items.map(({ file }) => file));
  const outside = imagesBelow(root).filter((file) => !used.has(file));
  return {
    classes,
    items,
    skipped: [...skipped, ...outside.map(({ path }) => ({ path, cause: 'outside' }) as const)],
    notes: reading.notes,
  };
}

/** Descends through folders that hold nothing but one other folder of folders. */
function unwrap(folder: Folder, isClass: (folder: Folder) => boolean = () => false): Folder {
  const [inner] = folder.folders;
  const isWrapper = folder.images.length === 0 && folder.folders.length === 1;
  return isWrapper && inner.images.length === 0 && !isClass(inner) ? unwrap(inner, isClass) : folder;
}

/** Whether a folder has one of the names. */
const isNamed = (folder: Folder, names: readonly string[]): boolean =>
  names.some((name) => plainName(name) === plainName(folder.name));

/** Whether each name is that of a folder. */
const has = (folders: readonly Folder[], names: readonly string[]): boolean =>
  names.every((name) => folders.some((folder) => plainName(folder.name) === plainName(name)));

// ---- Folders of splits

/** The split folders of the tree, the training split first; null when there are none. */
function findParts(reading: Reading, folder: Folder): Part[] | null {
  const own = partsIn(reading, folder);
  if (own !== null) return own;
  if (reading.wanted !== undefined && has(folder.folders, reading.wanted)) return null;
  const inner = folder.folders.filter((child) => holdsParts(reading, child));
  const count = inner.reduce((sum, child) => sum + child.count, 0);
  // Folders of splits deep in one class of many are no layout.
  if (count * 2 <= folder.count) return null;
  if (inner.length > 1)
    throw invalidInput(`${join(reading.path, folder.path)} holds several data sets with splits: ${namesOf(inner)}`, {
      hint: 'Name one of them in data.path.',
    });
  const others = folder.folders.filter((child) => child !== inner[0]);
  if (others.length > 0) noteIgnored(reading, others, inner[0].name);
  return findParts(reading, inner[0]);
}

const holdsParts = (reading: Reading, folder: Folder): boolean =>
  partsIn({ ...reading, notes: [] }, folder, true) !== null ||
  folder.folders.some((child) => holdsParts(reading, child));

function noteIgnored({ notes }: Reading, others: readonly Folder[], beside: string): void {
  const texts = others.map(({ name, count }) => (count === 0 ? name : `${name} (${imagesText(count)})`));
  notes.push(`Ignored beside ${beside}: ${texts.join(', ')}.`);
}

/** The split folders directly in a folder: they need a training split with at least two class folders. */
function partsIn(reading: Reading, folder: Folder, quiet = false): Part[] | null {
  const named = folder.folders.flatMap((child) => {
    const meaning = splitMeaning(child.name);
    return meaning === null ? [] : [{ child, ...meaning }];
  });
  // `seg_train` and `seg_test` have the same other words; a name alone means a split only without other words.
  const rests = [...new Set(named.map(({ rest }) => rest))].sort();
  for (const rest of rests) {
    const members = named.filter((one) => one.rest === rest);
    if (rest !== '' && members.length < 2) continue;
    const trains = members.filter(({ split }) => split === 'train').map(({ child }) => unwrap(child));
    const classes = trains.flatMap(({ folders }) => folders);
    if (classes.length < 2 || (reading.wanted !== undefined && !has(classes, reading.wanted))) continue;
    if (!quiet)
      refuseAmbiguous(
        reading,
        folder,
        members.map(({ child }) => child),
        classes,
      );
    return orderedParts(members);
  }
  return null;
}

function orderedParts(members: readonly (SplitMeaning & { readonly child: Folder })[]): Part[] {
  const splitOf = splitsNamed(new Set(members.map(({ split }) => split)));
  return members
    .map(({ child, split }) => ({ folder: child, split: splitOf(split) }))
    .sort((a, b) => Number(b.split === 'train') - Number(a.split === 'train'));
}

/** Notes the folders beside the splits; refuses where `train` may be a class among others. */
function refuseAmbiguous(
  reading: Reading,
  folder: Folder,
  members: readonly Folder[],
  classes: readonly Folder[],
): void {
  const others = [...folder.folders, ...folder.others].filter((child) => !members.includes(child));
  const alike = others.find(({ folders }) => isSame(folders, classes));
  if (members.length === 1 && alike !== undefined && reading.wanted === undefined)
    throw invalidInput(
      `${join(reading.path, folder.path)}: ${members[0].name} and ${alike.name} hold the same folders (${namesOf(classes)}): ${members[0].name} may be a split or a class`,
      {
        hint: `Rename ${alike.name} to test or val if it is one; otherwise list the class folders: data.classes: [${namesOf(folder.folders)}].`,
      },
    );
  if (others.length > 0) noteIgnored(reading, others, members.map(({ name }) => name).join(', '));
}

/** Whether two lists of folders have at least two names in common, and most of them. */
function isSame(a: readonly Folder[], b: readonly Folder[]): boolean {
  const names = new Set(a.map(({ name }) => plainName(name)));
  const common = b.filter(({ name }) => names.has(plainName(name))).length;
  return common >= 2 && common * 2 >= Math.max(a.length, b.length);
}

// ---- Folders of classes

function classesInSplits(reading: Reading, parts: readonly Part[]): Pick<Listing, 'classes' | 'items'> {
  const { path, wanted, notes } = reading;
  const isWanted = (folder: Folder): boolean => wanted === undefined || isNamed(folder, wanted);
  const first = unwrap(parts[0].folder);
  const classFolders = first.folders.filter(isWanted);
  if (wanted === undefined) {
    checkClasses(reading, first);
    refuseOddClasses(reading, first);
  }
  const classes = wanted ?? classFolders.map(({ name }) => name);
  const labels = new Map(classes.map((name, label) => [plainName(name), label]));
  // Names that differ only in case are classes of their own where one split has both.
  if (labels.size < classes.length) {
    labels.clear();
    classes.forEach((name, label) => labels.set(name, label));
  }
  const labelOf = ({ name }: Folder): number | undefined => labels.get(name) ?? labels.get(plainName(name));
  const items: Item[] = [];
  for (const { folder, split } of parts) {
    const content = unwrap(folder, (inner) => labelOf(inner) !== undefined);
    const unknown = content.folders.filter((inner) => labelOf(inner) === undefined);
    if (split !== 'train' && split !== null && unknown.length === content.folders.length && unknown.length < 2) {
      notes.push(`Ignored: ${folder.path} has ${imagesText(folder.count)} without class folders.`);
      continue;
    }
    if (unknown.length > 0 && wanted === undefined)
      throw invalidInput(`${join(path, unknown[0].path)} is not one of the training classes (${classes.join(', ')})`, {
        hint: 'Give every split the same class folders.',
      });
    for (const [label, name] of classes.entries()) {
      const images = content.folders.filter((inner) => labelOf(inner) === label).flatMap(imagesBelow);
      if (images.length === 0) throw emptyClass(reading, content, name);
      for (const file of images) items.push({ file, label, split });
    }
  }
  const deep = classFolders.filter(({ folders }) => folders.length > 1);
  if (deep.length > 0) {
    notes.push(`The images of all sub-folders belong to the class: ${namesOf(deep)}.`);
  }
  return { classes, items };
}

function emptyClass({ path }: Reading, content: Folder, name: string): NasError {
  const empty = content.others.find((inner) => plainName(inner.name) === plainName(name));
  const formats = empty === undefined ? '' : unreadableText(empty);
  return invalidInput(
    `the class folder ${join(path, content.path, empty?.name ?? name)} has no images${formats === '' ? '' : ` that can be read (${formats})`}`,
    { hint: `Add images (${readableText}) or remove the class.` },
  );
}

/** Refuses empty class folders; notes folders with other files only. */
function checkClasses(reading: Reading, folder: Folder): void {
  const empty = folder.others.find(({ files, unreadable }) => files === 0 || unreadable.size > 0);
  if (empty !== undefined) throw emptyClass(reading, folder, empty.name);
  if (folder.others.length > 0) reading.notes.push(`Ignored, because they have no images: ${namesOf(folder.others)}.`);
}

/** The class folders of a tree without split folders, or classes around split folders. */
function classFolders(reading: Reading, root: Folder): Part[] | Pick<Listing, 'classes' | 'items'> {
  const { wanted, path } = reading;
  const folder = unwrap(root, wanted === undefined ? undefined : (inner) => isNamed(inner, wanted));
  const { folders } = folder;
  const at = join(path, folder.path);
  if (wanted !== undefined) {
    const missing = wanted.find((name) => !has(folders, [name]));
    if (missing !== undefined)
      throw invalidInput(`${at} has no class folder ${missing} (it has ${namesOf(folders)})`, {
        hint: 'data.classes names the class folders in the order of the labels.',
      });
    const others = folders.filter((inner) => !isNamed(inner, wanted));
    if (others.length > 0) noteIgnored(reading, others, 'the classes');
    return [{ folder, split: null }];
  }
  if (folders.length === 0 || (folder.images.length > 0 && folder.images.length >= folder.count / 2))
    throw looseImages(reading, folder);
  if (folders.length === 1) throw oneClass(reading, folder);
  return splitsInClasses(reading, folder) ?? (refuseUnclear(reading, folder), [{ folder, split: null }]);
}

function oneClass({ tree }: Reading, folder: Folder): NasError {
  const formats = folder.others.map((other) => [other.name, unreadableText(other)]).filter(([, text]) => text !== '');
  const others = formats.map(([name, text]) => `; ${name} has only files that cannot be read (${text})`).join('');
  return invalidInput(`${join(tree.path, folder.path)} has only the class ${folder.folders[0].name}${others}`, {
    hint: remedy(tree, imagesBelow(folder)),
  });
}

/** `cats/{train,test}`, `dogs/{train,test}`: each class has its own split folders. */
function splitsInClasses(reading: Reading, { folders, path }: Folder): Pick<Listing, 'classes' | 'items'> | null {
  const isSplit = ({ name }: Folder): boolean => splitMeaning(name)?.rest === '';
  const split = folders.filter((inner) => inner.folders.length > 0 && inner.folders.every(isSplit));
  if (split.length === 0) return null;
  const plain = folders.find((inner) => !split.includes(inner) || inner.images.length > 0);
  if (plain !== undefined) {
    if (split.length === 1) return null;
    throw invalidInput(
      `${join(reading.path, path)}: the class folders ${namesOf(split)} hold split folders (${namesOf(split[0].folders)}), but ${plain.name} does not`,
      { hint: 'Give every class the same split folders, or none.' },
    );
  }
  const all = folders.flatMap((inner) => inner.folders);
  const names = [...new Map(all.map((inner) => [plainName(inner.name), inner])).values()];
  const parts = orderedParts(
    names.flatMap((child) => {
      const meaning = splitMeaning(child.name);
      return meaning === null ? [] : [{ child, ...meaning }];
    }),
  );
  const items = parts.flatMap((part) =>
    folders.flatMap((inner, label) => {
      const own = inner.folders.filter(({ name }) => plainName(name) === plainName(part.folder.name));
      const images = own.flatMap(imagesBelow);
      if (images.length === 0)
        throw invalidInput(
          `the class folder ${join(reading.path, inner.path)} has no images in a folder ${part.folder.name}, which other classes have`,
          { hint: 'Give every class the same split folders, or none.' },
        );
      return images.map((file): Item => ({ file, label, split: part.split }));
    }),
  );
  if (parts[0].split !== 'train') throw noTraining(join(reading.path, path), names);
  reading.notes.push(`Each class folder holds its own splits: ${namesOf(names)}.`);
  return { classes: folders.map(({ name }) => name), items };
}

const noTraining = (at: string, folders: readonly Folder[]): NasError =>
  invalidInput(`${at} has ${namesOf(folders)}, but no folder of training images`, {
    hint: `Add a folder train; or name one of these in data.path (${join(at, folders[0].name)}), whose images are then split.`,
  });

/** Refuses folders that a person would not take for classes. */
function refuseUnclear(reading: Reading, folder: Folder): void {
  const { folders } = folder;
  const at = join(reading.path, folder.path);
  const list = `data.classes: [${namesOf(folders)}]`;
  const meanings = folders.map(({ name }) => splitMeaning(name));
  if (meanings.every((meaning) => meaning !== null && meaning.rest === '')) {
    if (folders.every(({ images }) => images.length > 0))
      throw invalidInput(`the folders ${namesOf(folders)} of ${at} hold images, but no class folders`, {
        hint: remedy(reading.tree, imagesBelow(folder), 'Make a folder per class inside each.'),
      });
    throw noTraining(at, folders);
  }
  refuseOddClasses(reading, folder);
  const container = folders.find(
    (inner) => isContainer(inner) && inner.images.length === 0 && inner.folders.length > 1,
  );
  if (container !== undefined)
    throw invalidInput(`${at} holds ${namesOf(folders)}: it is not clear which are the classes`, {
      hint: `If the classes are ${namesOf(container.folders)}, write data.path: ${join(at, container.name)}; otherwise ${list}.`,
    });
  const rests = meanings.flatMap((meaning) => (meaning === null ? [] : [meaning.rest]));
  const twice = rests.find((rest, i) => rest !== '' && rests.indexOf(rest) !== i);
  if (twice !== undefined)
    throw invalidInput(`the folders ${namesOf(folders)} of ${at} name splits of the same classes`, {
      hint: `Move them to train/${twice}, test/${twice} and so on; if they are the classes, write ${list}.`,
    });
}

/** Refuses class folders with the same sub-folders, and names that are no classes. */
function refuseOddClasses({ path }: Reading, folder: Folder): void {
  const { folders } = folder;
  const [first, second] = folders;
  const at = join(path, folder.path);
  const list = `data.classes: [${namesOf(folders)}]`;
  if (folders.every(({ images, folders: inner }) => images.length === 0 && isSame(inner, first.folders)))
    throw invalidInput(
      `all folders of ${at} (${namesOf(folders)}) hold the same folders (${namesOf(first.folders)}): it is not clear which are the classes`,
      {
        hint: `If ${first.folders[0].name} and the like are the classes, name one folder in data.path (${join(at, first.name)}), or use data: {type: list}, which may keep a group in one split; if ${first.name} and ${second.name} are, write ${list}.`,
      },
    );
  if (folders.every(isContainer))
    throw invalidInput(`the folders of ${at} (${namesOf(folders)}) do not look like classes`, {
      hint: `Name the folder with one folder per class in data.path; for classes of these names write ${list}. Masks and boxes are not supported.`,
    });
}

// ---- Trees without class folders

/** Names before a number, such as `cat` in `cat.12.jpg`, if they look like classes. */
function classesInNames(images: readonly StoredFile[]): string[] {
  const counts = new Map<string, number>();
  for (const { path } of images) {
    const stem = /([^/]*?)[\s._(-]*\d+\)?\.\w+$/.exec(path)?.[1] ?? '';
    if (stem !== '') counts.set(stem, (counts.get(stem) ?? 0) + 1);
  }
  const found = [...counts].filter(([, count]) => count > 1).map(([stem]) => stem);
  return found.length > 1 && found.length * 2 <= images.length ? found.sort() : [];
}

const isBoxes = ({ path }: StoredFile): boolean =>
  /(^|\/)(labels\/.*\.txt|annotations(\/.*)?\.xml|_annotations\.coco\.json|data\.yaml)$/i.test(path);

/** What to do with images that no class folder holds. */
function remedy(tree: FileTree, images: readonly StoredFile[], otherwise = layoutHint): string {
  const table = tree.files.find(({ path }) => isTable(path))?.path;
  const names = classesInNames(images);
  return [
    ...(table === undefined
      ? []
      : [`If ${table} has the labels: data: {type: list, path: ${join(tree.path, table)}}.`]),
    ...(names.length === 0
      ? []
      : [
          `The names begin with ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', ...' : ''}: make a folder of each.`,
        ]),
    ...(tree.files.some(isBoxes) ? ['Boxes around objects are not supported.'] : []),
    otherwise,
  ].join(' ');
}

const looseImages = ({ tree }: Reading, { path, images }: Folder): NasError =>
  invalidInput(`${join(tree.path, path)} has no class folder, but ${imagesText(images.length)} directly inside`, {
    hint: remedy(tree, images),
  });

function nothingToRead(tree: FileTree, root: Folder): NasError {
  const formats = unreadableText(root);
  if (formats !== '')
    return invalidInput(`${tree.path} has no image that can be read, but ${formats}`, {
      hint: `Convert them to one of ${readableText}; ImageMagick does: magick mogrify -format png *${[...root.unreadable.keys()][0]}`,
    });
  const archives = tree.files.filter(({ path }) => looksLikeArchive(path)).map(({ path }) => path);
  return invalidInput(`${tree.path} has no class folder and no images`, {
    hint:
      archives.length === 0
        ? layoutHint
        : `It holds archives (${archives.slice(0, 3).join(', ')}): name one in data.path, or unpack them.`,
  });
}
