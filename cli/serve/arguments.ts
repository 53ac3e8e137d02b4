import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { shellWord } from '../../base/text.js';
import { frontierFolder, hasRun } from '../../runner/stored/workdir.js';
import type { PoolOptions } from '../../serve/inference/pool.js';

/**
 * The path of the models: the frontier's folder for a run, otherwise the path itself.
 * @throws NasError `invalid-input` when the run has not written its frontier yet
 */
export function modelsAt(path: string): string {
  if (!hasRun(path)) return path;
  const folder = join(path, frontierFolder);
  if (existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.onnx'))) return folder;
  const word = shellWord(path);
  throw invalidInput(`${path}: the run has not written the models of its frontier yet; it does so after the search`, {
    hint: `nas status ${word} shows its progress; nas export ${word} --trial N --to onnx -o models writes one network.`,
  });
}

/** @throws NasError `invalid-input` for any other text */
export function parseWorkers(text: string): PoolOptions['workers'] {
  if (text === 'auto' || text === 'inline') return text;
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= 1024) return count;
  throw invalidInput(`--workers ${text}: expected auto, inline, or a whole number from 1 to 1024`);
}

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export type LogLevel = (typeof logLevels)[number];
