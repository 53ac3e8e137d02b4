import { join } from 'node:path';
import { invalidInput } from '../../../base/errors.js';
import { counted } from '../../../base/text.js';
import type { FileTree } from './files.js';
import { folderTree, has, imagesBelow, isNamed, namesOf, unwrap, type Folder } from './folder-tree.js';
import { noteIgnored, type Item, type Listing, type Reading } from './listing.js';
import { plainName, splitMeaning } from './names.js';
import { findParts, partsOf, type Part } from './split-folders.js';
import {
  emptyClass,
  looseImages,
  noTraining,
  nothingToRead,
  oneClass,
  refuseOddClasses,
  refuseUnclear,
} from './unclear-layout.js';

/**
 * Finds classes and splits in the folders of a tree as a person would: one folder per class, at the top or below folders that
 * only wrap them; inside folders that name splits (train, Training, valid, dev, test_set, ...); or around such folders.
 * @param wanted the class folders in the order of the labels; by default all of them, sorted
 * @throws NasError `invalid-input` with a remedy where the layout is not clear
 */
export function readLayout(tree: FileTree, wanted?: readonly string[]): Listing {
  const { root, skipped } = folderTree(tree);
  if (root.count === 0) throw nothingToRead(tree, root);
  const reading: Reading = { tree, wanted, notes: [] };
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

function classesInSplits(reading: Reading, parts: readonly Part[]): Pick<Listing, 'classes' | 'items'> {
  const { tree, wanted, notes } = reading;
  const isWanted = (folder: Folder): boolean => wanted === undefined || isNamed(folder, wanted);
  const first = unwrap(parts[0].folder);
  const ofClasses = first.folders.filter(isWanted);
  if (wanted === undefined) {
    checkClasses(reading, first);
    refuseOddClasses(reading, first);
  }
  const classes = wanted ?? ofClasses.map(({ name }) => name);
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
      notes.push(`Ignored: ${folder.path} has ${counted(folder.count, 'image')} without class folders.`);
      continue;
    }
    if (unknown.length > 0 && wanted === undefined)
      throw invalidInput(
        `${join(tree.path, unknown[0].path)} is not one of the training classes (${classes.join(', ')})`,
        {
          hint: 'Give every split the same class folders.',
        },
      );
    for (const [label, name] of classes.entries()) {
      const images = content.folders.filter((inner) => labelOf(inner) === label).flatMap(imagesBelow);
      if (images.length === 0) throw emptyClass(reading, content, name);
      for (const file of images) items.push({ file, label, split });
    }
  }
  const deep = ofClasses.filter(({ folders }) => folders.length > 1);
  if (deep.length > 0) {
    notes.push(`The images of all sub-folders belong to the class: ${namesOf(deep)}.`);
  }
  return { classes, items };
}

/** Refuses empty class folders; notes folders with other files only. */
function checkClasses(reading: Reading, folder: Folder): void {
  const empty = folder.others.find(({ files, unreadable }) => files === 0 || unreadable.size > 0);
  if (empty !== undefined) throw emptyClass(reading, folder, empty.name);
  if (folder.others.length > 0) reading.notes.push(`Ignored, because they have no images: ${namesOf(folder.others)}.`);
}

/** The class folders of a tree without split folders, or classes around split folders. */
function classFolders(reading: Reading, root: Folder): Part[] | Pick<Listing, 'classes' | 'items'> {
  const { wanted, tree } = reading;
  const folder = unwrap(root, wanted === undefined ? undefined : (inner) => isNamed(inner, wanted));
  const { folders } = folder;
  const at = join(tree.path, folder.path);
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

/** `cats/{train,test}`, `dogs/{train,test}`: each class has its own split folders. */
function splitsInClasses(reading: Reading, { folders, path }: Folder): Pick<Listing, 'classes' | 'items'> | null {
  const isSplit = ({ name }: Folder): boolean => splitMeaning(name)?.rest === '';
  const split = folders.filter((inner) => inner.folders.length > 0 && inner.folders.every(isSplit));
  if (split.length === 0) return null;
  const plain = folders.find((inner) => !split.includes(inner) || inner.images.length > 0);
  if (plain !== undefined) {
    if (split.length === 1) return null;
    throw invalidInput(
      `${join(reading.tree.path, path)}: the class folders ${namesOf(split)} hold split folders (${namesOf(split[0].folders)}), but ${plain.name} does not`,
      { hint: 'Give every class the same split folders, or none.' },
    );
  }
  const all = folders.flatMap((inner) => inner.folders);
  const names = [...new Map(all.map((inner) => [plainName(inner.name), inner])).values()];
  const parts = partsOf(names);
  const items = parts.flatMap((part) =>
    folders.flatMap((inner, label) => {
      const own = inner.folders.filter(({ name }) => plainName(name) === plainName(part.folder.name));
      const images = own.flatMap(imagesBelow);
      if (images.length === 0)
        throw invalidInput(
          `the class folder ${join(reading.tree.path, inner.path)} has no images in a folder ${part.folder.name}, which other classes have`,
          { hint: 'Give every class the same split folders, or none.' },
        );
      return images.map((file): Item => ({ file, label, split: part.split }));
    }),
  );
  if (parts[0].split !== 'train') throw noTraining(join(reading.tree.path, path), names);
  reading.notes.push(`Each class folder holds its own splits: ${namesOf(names)}.`);
  return { classes: folders.map(({ name }) => name), items };
}
