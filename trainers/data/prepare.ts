import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { NasError, invalidInput, messageOf } from '../../base/errors.js';
import { cacheDirectory } from '../../base/files.js';
import { contentHash } from '../../base/hash.js';
import { makeOnce } from '../make-once.js';
import type { DataConfig } from './schema.js';
import { cacheFormat, isCache, writeCache, type ConvertOptions } from './cache.js';
import { openDataset, type DatasetRef } from './dataset.js';
import { openSource, type DataSource } from './sources/index.js';

export interface PrepareOptions extends ConvertOptions {
  /** Folder that holds all caches; by default `cacheDirectory()`. */
  readonly cache?: string;
  /** Told when another process is converting the same data, and this one waits for it. */
  onNote?(message: string): void;
}

/** Share of the images that become the test part of a source without one: Fashion-MNIST's 10,000 of 70,000. */
const defaultTestShare = 1 / 7;

/**
 * Converts a data set into a binary cache, once: later calls find it, and processes that need it at the same time wait for
 * the first. A damaged cache is converted again. Throws NasError `invalid-input` for missing or damaged source files, too
 * few images or a cache folder that cannot be written, `interrupted` when `signal` is aborted.
 */
export async function prepareDataset(config: DataConfig, options: PrepareOptions = {}): Promise<DatasetRef> {
  const source = await openSource(config);
  const directory = join(options.cache ?? cacheDirectory(), 'data', cacheName(source));
  await makeOnce({
    path: directory,
    name: `the data set ${source.name}`,
    find: () => isCache(directory) || null,
    make: () => convert(source, directory, options),
    ...options,
  });
  const { validation, subset } = config;
  const ref = { directory, test: 'test' in config ? config.test : defaultTestShare, validation, subset };
  openDataset(ref).close();
  return ref;
}

const cacheName = ({ name, fingerprint }: DataSource): string =>
  `${name.replace(/[^\w.-]+/g, '_')}-${contentHash(cacheFormat, fingerprint).slice(0, 16)}`;

const storageErrors = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'ENOTDIR', 'EEXIST', 'EIO']);

/** Converts into a folder of its own, which then takes the place of what may be there: something damaged. */
async function convert(source: DataSource, directory: string, options: ConvertOptions): Promise<true> {
  const temporary = `${directory}.tmp`;
  try {
    // Left by somebody who was killed.
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary);
    await writeCache(temporary, source, options);
    rmSync(directory, { recursive: true, force: true });
    renameSync(temporary, directory);
    return true;
  } catch (error) {
    if (options.signal?.aborted === true) throw new NasError('interrupted', 'the conversion of the data was stopped');
    if (!(error instanceof Error && 'code' in error && storageErrors.has(String(error.code)))) throw error;
    const megabytes = Math.ceil((source.count * source.height * source.width * source.channels) / 1e6);
    throw invalidInput(`the data set cannot be converted into ${directory}: ${messageOf(error)}`, {
      cause: error,
      hint: `About ${megabytes} MB are needed in a folder that can be written; NAS_CACHE names another one.`,
    });
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
