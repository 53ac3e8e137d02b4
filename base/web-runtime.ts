/** What browsers run ONNX models with: an optional package, whose files are served to them. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { invalidInput } from './errors.js';

const require = createRequire(import.meta.url);

/**
 * The folder with the browser files of onnxruntime-web.
 * @param who needs it, as errors say it
 * @throws NasError `invalid-input` when it is not installed.
 */
export function webRuntime(who: string): string {
  try {
    return dirname(require.resolve('onnxruntime-web'));
  } catch (cause) {
    throw invalidInput(`${who} needs the package onnxruntime-web`, { hint: 'npm install onnxruntime-web', cause });
  }
}

/** The version of onnxruntime-web in such a folder. */
export function webRuntimeVersion(folder: string): string {
  const text = readFileSync(join(folder, '..', 'package.json'), 'utf8');
  return /"version":\s*"([^"]+)"/.exec(text)?.[1] ?? 'unknown';
}
