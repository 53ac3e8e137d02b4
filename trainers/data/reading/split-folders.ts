import { join } from 'node:path';
import { invalidInput } from '../../../base/errors.js';
import type { SplitName } from '../splits.js';
import { has, isSame, namesOf, unwrap, type Folder } from './folder-tree.js';
import { splitMeaning, splitsNamed, type SplitMeaning } from './names.js';
import { noteIgnored, type Reading } from './listing.js';

/** A folder of class folders and its split. */
export interface Part {
  readonly split: SplitName | null;
  readonly folder: Folder;
}

interface SplitFolder extends SplitMeaning {
  readonly folder: Folder;
}

/** The folders whose names mean a split. */
const splitFolders = (folders: readonly Folder[]): SplitFolder[] =>
  folders.flatMap((folder) => {
    const meaning = splitMeaning(folder.name);
    return meaning === null ? [] : [{ folder, ...meaning }];
  });

/** The parts of some folders, the training split first; folders whose names mean no split are left out. */
export function partsOf(folders: readonly Folder[]): Part[] {
  const found = splitFolders(folders);
  const splitOf = splitsNamed(new Set(found.map(({ split }) => split)));
  return found
    .map(({ folder, split }) => ({ folder, split: splitOf(split) }))
    .sort((a, b) => Number(b.split === 'train') - Number(a.split === 'train'));
}

/** The split folders of the tree, the training split first; null when there are none. */
export function findParts(reading: Reading, folder: Folder): Part[] | null {
  const members = splitsIn(reading, folder);
  if (members !== null) {
    checkOthers(reading, folder, members);
    return partsOf(members);
  }
  if (reading.wanted !== undefined && has(folder.folders, reading.wanted)) return null;
  const inner = folder.folders.filter((child) => holdsSplits(reading, child));
  const count = inner.reduce((sum, child) => sum + child.count, 0);
  // Folders of splits deep in one class of many are no layout.
  if (count * 2 <= folder.count) return null;
  if (inner.length > 1)
    throw invalidInput(
      `${join(reading.tree.path, folder.path)} holds several data sets with splits: ${namesOf(inner)}`,
      {
        hint: 'Name one of them in data.path.',
      },
    );
  const others = folder.folders.filter((child) => child !== inner[0]);
  if (others.length > 0) noteIgnored(reading, others, inner[0].name);
  return findParts(reading, inner[0]);
}

const holdsSplits = (reading: Reading, folder: Folder): boolean =>
  splitsIn(reading, folder) !== null || folder.folders.some((child) => holdsSplits(reading, child));

/** The class folders of all training splits. */
const trainingClasses = (members: readonly Folder[]): Folder[] =>
  splitFolders(members)
    .filter(({ split }) => split === 'train')
    .flatMap(({ folder }) => unwrap(folder).folders);

/** The split folders directly in a folder; null unless a training split among them has two class folders or more. */
function splitsIn({ wanted }: Reading, { folders }: Folder): Folder[] | null {
  const named = splitFolders(folders);
  // `seg_train` and `seg_test` have the same other words; a name alone means a split only without other words.
  for (const rest of [...new Set(named.map((one) => one.rest))].sort()) {
    const members = named.filter((one) => one.rest === rest).map(({ folder }) => folder);
    if (rest !== '' && members.length < 2) continue;
    const classes = trainingClasses(members);
    if (classes.length >= 2 && (wanted === undefined || has(classes, wanted))) return members;
  }
  return null;
}

/** Notes the folders beside the splits; refuses where `train` may be a class among others. */
function checkOthers(reading: Reading, folder: Folder, members: readonly Folder[]): void {
  const classes = trainingClasses(members);
  const others = [...folder.folders, ...folder.others].filter((child) => !members.includes(child));
  const alike = others.find(({ folders }) => isSame(folders, classes));
  if (members.length === 1 && alike !== undefined && reading.wanted === undefined)
    throw invalidInput(
      `${join(reading.tree.path, folder.path)}: ${members[0].name} and ${alike.name} hold the same folders (${namesOf(classes)}): ${members[0].name} may be a split or a class`,
      {
        hint: `Rename ${alike.name} to test or val if it is one; otherwise list the class folders: data.classes: [${namesOf(folder.folders)}].`,
      },
    );
  if (others.length > 0) noteIgnored(reading, others, members.map(({ name }) => name).join(', '));
}
