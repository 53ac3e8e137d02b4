import type { BigIntStats } from 'node:fs';
import type { DamageCause } from '../decode.js';
import type { SkipCause } from './names.js';

/** A larger file is no photograph, and several are in memory at once. */
export const largestFile = 2 ** 29;

/** Size, times of change and inode of a file: tools restore the first time, none sets the second. */
export const stampOf = ({ size, mtimeNs, ctimeNs, ino }: BigIntStats): string =>
  [size, mtimeNs, ctimeNs, ino].join(':');

/** A file of a folder or an archive. */
export interface StoredFile {
  /** Relative, with `/` between folders. */
  readonly path: string;
  /** Changes when the content may have changed. */
  readonly stamp: string;
}

export interface SkippedFile {
  readonly path: string;
  readonly cause: SkipCause;
}

/** An image that cannot be used. */
export interface DamagedFile {
  readonly path: string;
  readonly cause: DamageCause;
  readonly message: string;
}

/** The content of a file; `load` fails when the file cannot be read. */
export interface LoadedFile {
  readonly index: number;
  readonly load: () => Promise<Buffer>;
}

/** The files of a folder or an archive. */
export interface FileTree {
  /** Of the folder or archive, for messages. */
  readonly path: string;
  /** All files, sorted by path. */
  readonly files: readonly StoredFile[];
  /** Folders without any file below them. */
  readonly emptyFolders: readonly string[];
  /** Entries that are no files: broken links, devices. */
  readonly skipped: readonly SkippedFile[];
  /**
   * The contents of some files in the order that is fastest, each with its index in `files`. A `load` may be called later,
   * and several may run at once.
   */
  read(files: readonly StoredFile[], signal?: AbortSignal): Iterable<LoadedFile> | AsyncIterable<LoadedFile>;
}
