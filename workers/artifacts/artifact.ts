import { z } from 'zod';
import { messageOf, NasError, type ErrorDetails } from '../../base/errors.js';
import { sum } from '../../base/statistics.js';
import { StorageFailure } from '../../runner/jobs/job-runner.js';

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);

/** Whether UTF-8 preserves a path; a lone surrogate becomes another character. */
const isText = (path: string): boolean => Buffer.from(path, 'utf8').toString('utf8') === path;

/** Whether a relative path with `/` stays inside its folder on every operating system. */
export const isInside = (path: string): boolean =>
  !/[\\:\0]/.test(path) &&
  isText(path) &&
  path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');

/** The content of a file. */
export const artifactSchema = z.object({ sha256: sha256Schema, bytes: z.number().int().min(0) });
export type Artifact = Readonly<z.output<typeof artifactSchema>>;

/** A file in a folder: its path there, and its content. */
export const fileSchema = artifactSchema.extend({ path: z.string().refine(isInside) });
export type FileIn = Readonly<z.output<typeof fileSchema>>;

/** Whether files can share a folder: every path once, and no file where another one needs a folder. */
function canShareFolder(files: readonly FileIn[]): boolean {
  const paths = new Set(files.map(({ path }) => path));
  const folders = files.flatMap(({ path }) => path.split('/').map((_, i, parts) => parts.slice(0, i).join('/')));
  return paths.size === files.length && !folders.some((folder) => paths.has(folder));
}

/**
 * The content of a file or a folder. A file keeps its name, because readers may look at its extension. A folder consists of
 * its regular files; empty folders are not part of it.
 */
export const bundleSchema = z
  .object({ kind: z.enum(['file', 'folder']), files: z.array(fileSchema).refine(canShareFolder) })
  .refine(({ kind, files }) => kind === 'folder' || (files.length === 1 && !files[0].path.includes('/')));
export type Bundle = Readonly<z.output<typeof bundleSchema>>;

/** Total size of files. */
export const bytesOf = (files: readonly Artifact[]): number => sum(files.map(({ bytes }) => bytes));

export interface TransferOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes transferred so far, and in total. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Called once with the reason when a transfer does not go on, and is repeated. */
  readonly onTrouble?: ((reason: string) => void) | undefined;
}

/** A store of a run's contents by hash. */
export interface Artifacts {
  /**
   * Makes the content of a file available, unless it already is; continues an upload that broke off. Replacing the file by
   * a rename meanwhile is safe: the content at the time of the call is sent.
   * @throws FilesUnreachable; FilesRefused; NasError `invalid-input` when the file cannot be read; the signal's reason
   */
  put(path: string, options?: TransferOptions): Promise<Artifact>;
  /**
   * Writes a content to a file, verified and atomically; creates the folder. Continues a download that broke off.
   * @throws ArtifactGone; StorageFailed; FilesUnreachable; FilesRefused; the signal's reason
   */
  get(artifact: Artifact, path: string, options?: TransferOptions): Promise<void>;
}

/** The store does not have a content (any more): a newer file replaced it, or its upload never finished. */
export class ArtifactGone extends NasError {
  constructor({ sha256, bytes }: Artifact) {
    super('failure', `the run has no content ${sha256.slice(0, 12)} of ${bytes} bytes (any more)`);
  }
}

/** The run's files cannot be reached, or not be written where the run is; a later attempt may succeed. */
export class FilesUnreachable extends NasError {
  constructor(message: string, details?: ErrorDetails) {
    super('failure', message, details);
  }
}

/** The run, or a server between, refuses a request: repeating it does not help, and no job can be done. */
export class FilesRefused extends NasError {
  constructor(message: string, details?: ErrorDetails) {
    super('invalid-input', message, details);
  }
}

/** The bytes that arrived do not match their hash, even after a second transfer. */
export class WrongContent extends FilesUnreachable {
  constructor(path: string, { sha256, bytes }: Artifact) {
    super(`${path}: what arrived is not the content ${sha256.slice(0, 12)} of ${bytes} bytes`, {
      hint: 'Something between the machines changes the data, or a disk is damaged.',
    });
  }
}

/** A file cannot be written on this machine: its disk is full or read-only. */
export class StorageFailed extends StorageFailure {
  constructor(path: string, cause: unknown) {
    super(`${path}: cannot be written: ${messageOf(cause)}`, {
      hint: 'Free some space there, or make the folder writable.',
      cause,
    });
  }
}
