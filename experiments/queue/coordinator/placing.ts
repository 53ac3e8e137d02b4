import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Artifacts } from '../artifacts/artifacts.js';
import type { FileIn } from '../artifacts/artifact.js';

/** A job's own files in a folder: their content by path. */
export type OwnFiles = ReadonlyMap<string, string>;

export const ownFiles = (files: readonly FileIn[]): OwnFiles =>
  new Map(files.map(({ path, sha256 }) => [path, sha256]));

/** Where a file of a folder is, whatever this system separates names with. */
export const fileIn = (folder: string, path: string): string => join(folder, ...path.split('/'));

/**
 * Puts the files of a job's folder where a job of this machine would have written them. Those that the job had there before
 * and has no more are removed; others are none of its own.
 * @throws ArtifactGone when nobody has one of them any more; NasError when it cannot be written.
 */
export async function placeFiles(
  folder: string,
  files: readonly FileIn[],
  artifacts: Artifacts,
  before: OwnFiles,
): Promise<void> {
  for (const { path, sha256, bytes } of files) {
    const file = fileIn(folder, path);
    if (before.get(path) !== sha256 || !existsSync(file)) await artifacts.get({ sha256, bytes }, file);
  }
  const now = ownFiles(files);
  for (const path of before.keys()) if (!now.has(path)) rmSync(fileIn(folder, path), { force: true });
}
