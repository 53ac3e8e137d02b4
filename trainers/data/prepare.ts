import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { NasError, invalidInput, messageOf } from '../../base/errors.js';
import { cacheDirectory, makeDirectory } from '../../base/files.js';
import { contentHash } from '../../base/hash.js';
import type { DataConfig } from '../schema.js';
import { cacheFormat, isCache, openCache, writeCache, type ConvertOptions } from './cache.js';
import { openSource, type DataSource } from './sources/index.js';
import { splitImages, type SplitShares } from './splits.js';

/** A converted data set as a plain value that can be sent to other processes; `openDataset` opens it. */
export interface DatasetRef extends SplitShares {
  /** Folder of the cache. Configs that differ only in their shares have the same one. */
  readonly directory: string;
}

export interface PrepareOptions extends ConvertOptions {
  /** Folder that holds all caches; by default `cacheDirectory()`. */
  readonly cache?: string;
}

/** Share of the images that become the test part of a source without one: Fashion-MNIST's 10,000 of 70,000. */
const defaultTestShare = 1 / 7;

/**
 * Converts a data set into a binary cache, once: later calls find it. Safe when several processes do it at once, and
 * when one is killed. A damaged cache is converted again. Throws NasError `invalid-input` for missing or damaged
 * source files, too few images or a cache folder that cannot be written, `interrupted` when `signal` is aborted.
 */
export async function prepareDataset(config: DataConfig, options: PrepareOptions = {}): Promise<DatasetRef> {
  const source = await openSource(config);
  const directory = join(options.cache ?? cacheDirectory(), 'data', cacheName(source));
  if (!isCache(directory)) await convert(source, directory, options);
  const shares = {
    test: 'test' in config ? config.test : defaultTestShare,
    validation: config.validation,
    subset: config.subset,
  };
  const cache = openCache(directory);
  try {
    splitImages(cache.table, cache.meta.classes, shares);
  } finally {
    cache.close();
  }
  return { directory, ...shares };
}

const cacheName = ({ name, fingerprint }: DataSource): string =>
  `${name.replace(/[^\w.-]+/g, '_')}-${contentHash(cacheFormat, fingerprint).slice(0, 16)}`;

const storageErrors = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'ENOTDIR', 'EEXIST', 'EIO']);

const errorCode = (error: unknown): unknown =>
  error instanceof Error && 'code' in error && !(error instanceof NasError) ? error.code : undefined;

async function convert(source: DataSource, directory: string, options: ConvertOptions): Promise<void> {
  let temporary: string | undefined;
  try {
    makeDirectory(dirname(directory));
    removeAbandoned(directory);
    temporary = mkdtempSync(`${directory}.tmp-`);
    await writeCache(temporary, source, options);
    install(temporary, directory);
  } catch (error) {
    if (options.signal?.aborted === true) throw new NasError('interrupted', 'the conversion of the data was stopped');
    if (!storageErrors.has(String(errorCode(error)))) throw error;
    const megabytes = Math.ceil((source.count * source.height * source.width * source.channels) / 1e6);
    throw invalidInput(`the data set cannot be converted into ${directory}: ${messageOf(error)}`, {
      cause: error,
      hint: `About ${megabytes} MB are needed in a folder that can be written; NAS_CACHE names another one.`,
    });
  } finally {
    if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
  }
}

/** Puts a finished cache in its place by renaming. When another process was faster, its result is used. */
function install(temporary: string, directory: string): void {
  for (let attempt = 0; ; attempt++) {
    try {
      renameSync(temporary, directory);
      return;
    } catch (error) {
      if (isCache(directory)) return;
      if (attempt === 10 || !existsSync(directory)) throw error;
    }
    try {
      // A damaged cache is moved away first: a folder can only be renamed over an empty one.
      const damaged = mkdtempSync(`${directory}.tmp-`);
      renameSync(directory, damaged);
      rmSync(damaged, { recursive: true, force: true });
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  }
}

const abandonedAfterMs = 60 * 60 * 1000;

/** Removes what killed conversions left behind; a running one writes at least once an hour. */
function removeAbandoned(directory: string): void {
  const parent = dirname(directory);
  for (const name of readdirSync(parent).filter((entry) => entry.startsWith(`${basename(directory)}.tmp-`))) {
    const folder = join(parent, name);
    if (Date.now() - lastWrite(folder) > abandonedAfterMs) rmSync(folder, { recursive: true, force: true });
  }
}

/** When a folder or a file in it last changed, in ms; now, when it disappears meanwhile. */
function lastWrite(folder: string): number {
  try {
    const paths = [folder, ...readdirSync(folder).map((file) => join(folder, file))];
    return Math.max(...paths.map((path) => statSync(path).mtimeMs));
  } catch {
    return Date.now();
  }
}
