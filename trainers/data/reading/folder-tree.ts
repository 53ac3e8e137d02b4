import { basename } from 'node:path/posix';
import { extensionOf, kindOf, plainName } from './names.js';
import type { FileTree, SkippedFile, StoredFile } from './files.js';

/** A folder and what lies below it. */
export interface Folder {
  readonly name: string;
  /** Relative; empty for the top. */
  readonly path: string;
  /** Sub-folders with readable images, sorted. */
  readonly folders: Folder[];
  /** Sub-folders without one, sorted. */
  readonly others: Folder[];
  /** Readable images directly inside, sorted. */
  readonly images: StoredFile[];
  /** Readable images below. */
  count: number;
  /** Files below, hidden ones left out. */
  files: number;
  /** Images below in formats that cannot be read, counted by extension. */
  readonly unreadable: Map<string, number>;
}

interface Growing extends Folder {
  readonly children: Map<string, Growing>;
}

const newFolder = (path: string): Growing => ({
  name: basename(path),
  path,
  folders: [],
  others: [],
  images: [],
  count: 0,
  files: 0,
  unreadable: new Map(),
  children: new Map(),
});

/** The folders of a tree with the images that can be read, and all other files with the reason. */
export function folderTree(tree: FileTree): { readonly root: Folder; readonly skipped: readonly SkippedFile[] } {
  const root = newFolder('');
  const skipped: SkippedFile[] = [...tree.skipped];
  const folderAt = (path: string): Growing[] => {
    const chain = [root];
    if (path === '') return chain;
    for (const name of path.split('/')) {
      const parent = chain[chain.length - 1];
      const found = parent.children.get(name) ?? newFolder(parent.path === '' ? name : `${parent.path}/${name}`);
      parent.children.set(name, found);
      chain.push(found);
    }
    return chain;
  };
  for (const file of tree.files) {
    const cause = kindOf(file.path);
    if (cause !== 'image') skipped.push({ path: file.path, cause });
    if (cause === 'hidden') continue;
    const chain = folderAt(file.path.slice(0, Math.max(0, file.path.lastIndexOf('/'))));
    for (const folder of chain) {
      folder.files++;
      if (cause === 'image') folder.count++;
      const extension = extensionOf(file.path);
      if (cause === 'format') folder.unreadable.set(extension, (folder.unreadable.get(extension) ?? 0) + 1);
    }
    if (cause === 'image') chain[chain.length - 1].images.push(file);
  }
  for (const path of tree.emptyFolders) if (kindOf(path) !== 'hidden') folderAt(path);
  arrange(root);
  return { root, skipped };
}

function arrange(folder: Growing): void {
  for (const [, child] of [...folder.children].sort(([a], [b]) => (a < b ? -1 : 1))) {
    arrange(child);
    (child.count > 0 ? folder.folders : folder.others).push(child);
  }
}

/** Every image below a folder, in the order of the paths. */
export const imagesBelow = (folder: Folder): StoredFile[] =>
  [...folder.images, ...folder.folders.flatMap(imagesBelow)].sort((a, b) => (a.path < b.path ? -1 : 1));

/** `40 .bmp, 3 .heic`; empty when there are none. */
export const unreadableText = ({ unreadable }: Folder): string =>
  [...unreadable].map(([extension, count]) => `${count.toLocaleString('en-US')} ${extension}`).join(', ');

/** Descends through folders that hold nothing but one other folder of folders. */
export function unwrap(folder: Folder, isClass: (folder: Folder) => boolean = () => false): Folder {
  const [inner] = folder.folders;
  const isWrapper = folder.images.length === 0 && folder.folders.length === 1;
  return isWrapper && inner.images.length === 0 && !isClass(inner) ? unwrap(inner, isClass) : folder;
}

/** Whether a folder has one of the names. */
export const isNamed = (folder: Folder, names: readonly string[]): boolean =>
  names.some((name) => plainName(name) === plainName(folder.name));

/** Whether there is a folder of each name. */
export const has = (folders: readonly Folder[], names: readonly string[]): boolean =>
  names.every((name) => folders.some((folder) => plainName(folder.name) === plainName(name)));

/** Whether two lists of folders have at least two names in common, and most of them. */
export function isSame(a: readonly Folder[], b: readonly Folder[]): boolean {
  const names = new Set(a.map(({ name }) => plainName(name)));
  const common = b.filter(({ name }) => names.has(plainName(name))).length;
  return common >= 2 && common * 2 >= Math.max(a.length, b.length);
}

export const namesOf = (folders: readonly Folder[]): string => {
  const shown = folders.slice(0, 10).map(({ name }) => name);
  return folders.length > 10 ? `${shown.join(', ')}, ... (${folders.length} in all)` : shown.join(', ');
};
