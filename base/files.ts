import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { invalidInput, messageOf } from './errors.js';

/**
 * Makes a folder and those above it that are missing. Node's own recursive form never returns where a file system
 * accepts no folders (`/proc`); this one throws the system's error.
 */
export function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent);
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have been quicker.
    if (!existsSync(path)) throw error;
  }
}

/**
 * Writes a file so that a reader sees the old content or the new, never a part: temporary file, fsync, rename.
 * On failure (a full disk, say) the temporary file is removed and the old content stays.
 */
export function writeFileAtomic(path: string, ...parts: readonly (string | Uint8Array)[]): void {
  makeDirectory(dirname(path));
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = openSync(temporary, 'w');
    try {
      for (const part of parts) writeFully(file, typeof part === 'string' ? Buffer.from(part) : part);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Whether a file can be written, tried before the work that it is for; its folder is made.
 * @throws NasError `invalid-input` when it cannot.
 */
export function checkWritable(path: string): void {
  const probe = `${path}.${process.pid}.tmp`;
  try {
    makeDirectory(dirname(path));
    closeSync(openSync(probe, 'w'));
    rmSync(probe);
  } catch (cause) {
    throw invalidInput(`${path}: cannot be written: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Writes all bytes: the system may take fewer at once.
 * @param position where in the file; by default where the last write ended
 */
export function writeFully(file: number, bytes: Uint8Array, position?: number): void {
  for (let done = 0; done < bytes.byteLength;)
    done += writeSync(file, bytes, done, bytes.byteLength - done, position === undefined ? null : position + done);
}

/**
 * Fills `bytes` from a place in a file.
 * @throws Error when the file ends before.
 */
export function readFully(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.byteLength;) {
    const read = readSync(file, bytes, done, bytes.byteLength - done, position + done);
    if (read === 0) throw new Error(`the file ends at byte ${position + done}, ${bytes.byteLength - done} too early`);
    done += read;
  }
}

/**
 * The content of a file that the user named.
 * @param hint what to give instead
 * @throws NasError `invalid-input` when it cannot be read.
 */
export function readInput(file: string, hint?: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw invalidInput(`${file}: cannot be read: ${messageOf(cause)}`, { ...(hint !== undefined && { hint }), cause });
  }
}

/** An environment variable; one that is set to nothing counts as not set. */
const variable = (name: string): string | undefined => process.env[name] || undefined;

/** Where converted data sets, teachers and their logits are kept between runs: `NAS_CACHE` or the user's cache folder. */
export function cacheDirectory(): string {
  return variable('NAS_CACHE') ?? join(variable('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'nas');
}
