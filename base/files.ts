import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
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

/** Makes a folder and its missing parents. Node's recursive form never returns in `/proc`; this one throws the system's error. */
export function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent);
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have made it.
    if (!existsSync(path)) throw error;
  }
}

/**
 * Replaces a file atomically: temporary file, fsync, rename. After a failure (such as a full disk) the old content stays.
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
 * Checks early that a file can be written, and makes its folder.
 * @throws NasError `invalid-input` when it cannot
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
 * Writes all bytes; one call of the system may write fewer.
 * @param position in the file; default: after the last write
 */
export function writeFully(file: number, bytes: Uint8Array, position?: number): void {
  for (let done = 0; done < bytes.byteLength;)
    done += writeSync(file, bytes, done, bytes.byteLength - done, position === undefined ? null : position + done);
}

/**
 * Fills `bytes` from a position in a file.
 * @throws Error when the file is too short
 */
export function readFully(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.byteLength;) {
    const read = readSync(file, bytes, done, bytes.byteLength - done, position + done);
    if (read === 0) throw new Error(`the file ends at byte ${position + done}, ${bytes.byteLength - done} too early`);
    done += read;
  }
}

/**
 * Reads a file that the user named.
 * @throws NasError `invalid-input` with the hint when it cannot be read
 */
export function readInput(file: string, hint?: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw invalidInput(`${file}: cannot be read: ${messageOf(cause)}`, { ...(hint !== undefined && { hint }), cause });
  }
}

/** The first bytes of a regular file; null where there is none. A pipe, which would block the process, is not read. */
export function readBeginning(path: string, most: number): Buffer | null {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) return null;
    const bytes = Buffer.alloc(Math.min(most, stats.size));
    readFully(file, bytes, 0);
    return bytes;
  } finally {
    closeSync(file);
  }
}

/** An environment variable; undefined when empty. */
const variable = (name: string): string | undefined => process.env[name] || undefined;

/** The folder of converted data sets, teachers and logits: `NAS_CACHE` or the user's cache folder. */
export function cacheDirectory(): string {
  return variable('NAS_CACHE') ?? join(variable('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'nas');
}
