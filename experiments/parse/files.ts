import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { nearest } from './nearest.js';
import { isMap, valueAt, type KeyPath } from './path.js';
import type { Problem } from './problem.js';
import type { Source } from './source.js';

/** Where an experiment names files or folders. */
const filePaths: readonly KeyPath[] = [
  ['data', 'path'],
  ['teacher', 'path'],
  ['space', 'path'],
  ['train', 'from'],
  ['latency', 'device', 'file'],
  ['latency', 'device', 'token_file'],
  ['latency', 'device', 'executable'],
  ['latency', 'predictor'],
  ['latency', 'predictor', 'fp32'],
  ['latency', 'predictor', 'int8'],
  ['space', 'file'],
  ['search', 'seed_from'],
  ['supernet', 'from'],
  ['search', 'controller', 'path'],
  ['evaluate', 'path'],
  ['workers', 'password_file'],
  ['workers', 'ca_file'],
  ['workers', 'artifacts', 'path'],
];

/** `latency.predictor` may also be a word. */
const isPath = (keys: KeyPath, value: unknown): value is string =>
  typeof value === 'string' && (keys.at(-1) !== 'predictor' || value.endsWith('.json'));

/** `base` is where a relative path starts: the experiment's folder, or the current one for a path given by `--set`. */
function absolute(path: string, base: string): string {
  const home = path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
  return isAbsolute(home) ? home : resolve(base, home);
}

/** `; did you mean 'cifar-10-batches-bin'?` when something with a similar name lies beside. */
function beside(path: string): string {
  const folder = dirname(path);
  if (!existsSync(folder)) return beside(folder) || `; ${dirname(folder)} has no ${basename(folder)}`;
  const meant = nearest(basename(path), readdirSync(folder));
  return meant === undefined ? '' : `; did you mean '${join(folder, meant)}'?`;
}

/** What is at a path that an experiment names does not exist. */
export function missingFiles(source: Source): Problem[] {
  return filePaths.flatMap((keys) => {
    const path = valueAt(source.data, keys);
    if (!isPath(keys, path) || existsSync(path)) return [];
    return [{ where: source.where(keys), path: keys, message: `there is no file or folder ${path}${beside(path)}` }];
  });
}

/** Makes every path of the experiment absolute, in place. */
export function resolvePaths(source: Source): void {
  for (const keys of filePaths) {
    const parent = valueAt(source.data, keys.slice(0, -1));
    const key = String(keys.at(-1));
    const path = isMap(parent) ? parent[key] : undefined;
    if (!isMap(parent) || !isPath(keys, path)) continue;
    const base = source.overrideOf(keys) === undefined ? dirname(resolve(source.file)) : process.cwd();
    parent[key] = absolute(path, base);
  }
}
