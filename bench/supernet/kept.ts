import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash } from '../../base/hash.js';

/** The folder of a result, by all that it depends on. */
export function folderOf(folder: string, kind: string, inputs: unknown): string {
  const directory = join(folder, kind, contentHash(kind, inputs).slice(0, 16));
  mkdirSync(directory, { recursive: true });
  return directory;
}

/** A result as a JSON file in its folder, made when it is not there yet. */
export async function kept<T>(directory: string, make: () => Promise<T>): Promise<T> {
  const file = join(directory, 'result.json');
  // Written below.
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as T;
  const result = await make();
  writeFileSync(file, JSON.stringify(result));
  return result;
}

/** CPU seconds of this process, all threads, while a task ran. */
export async function cpuSeconds<T>(task: () => Promise<T>): Promise<readonly [result: T, seconds: number]> {
  const before = process.cpuUsage();
  const result = await task();
  const { user, system } = process.cpuUsage(before);
  return [result, (user + system) / 1e6];
}
