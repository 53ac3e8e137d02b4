import { statSync } from 'node:fs';
import { invalidInput } from '../../../base/errors.js';
import { largestFile, stampOf, type FileTree, type SkippedFile, type StoredFile } from './files.js';
import { compareNames, type SkipCause } from './names.js';

/** Whether data expands as archives do that are made to fill a disk or the memory. */
export const expandsTooMuch = (packed: number, unpacked: number): boolean =>
  unpacked > 2 ** 24 && unpacked > 1000 * packed;

interface Entries {
  /** Size and time of the archive. */
  readonly stamp: string;
  addFolder(name: string): void;
  /** Returns the path of the entry; null when it does not count: another one has the same name, or it is too large. */
  addFile(name: string, bytes: number, stamp: string): string | null;
  skip(name: string, cause: SkipCause): void;
  tree(): Omit<FileTree, 'read'>;
}

/** Collects the entries of an archive. @throws NasError `invalid-input` for a name outside of the archive */
export function collectEntries(path: string): Entries {
  const files = new Map<string, StoredFile>();
  const skipped: SkippedFile[] = [];
  const folders = new Set<string>();
  const checked = (name: string): string => {
    if (/^([/\\]|[a-zA-Z]:)/.test(name) || name.split(/[/\\]/).includes('..'))
      throw invalidInput(`the archive ${path} has the entry ${JSON.stringify(name)}, which is outside of it`, {
        hint: 'Do not trust this archive; pack the images again.',
      });
    return name.replace(/^(\.\/)+/, '').replace(/\/$/, '');
  };
  return {
    stamp: stampOf(statSync(path, { bigint: true })),
    addFolder: (name) => folders.add(checked(name)),
    addFile(name, bytes, stamp) {
      const inside = checked(name);
      const cause = bytes > largestFile ? 'size' : files.has(inside) ? 'repeated' : null;
      if (cause === null) files.set(inside, { path: inside, stamp });
      else skipped.push({ path: inside, cause });
      return cause === null ? inside : null;
    },
    skip: (name, cause) => skipped.push({ path: checked(name), cause }),
    tree() {
      const sorted = [...files.values()].sort((a, b) => compareNames(a.path, b.path));
      for (const { path: file } of [...sorted, ...skipped])
        for (let at = file.lastIndexOf('/'); at > 0; at = file.lastIndexOf('/', at - 1))
          folders.delete(file.slice(0, at));
      return { path, files: sorted, emptyFolders: [...folders].filter((name) => name !== '' && name !== '.'), skipped };
    },
  };
}
