import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { builtModule } from '../../../base/processes.js';

/** The result of running a tiny model with a provider. */
export interface Trial {
  /** Why it failed; null when it worked. */
  readonly reason: string | null;
  /** Standard error output of the process and its libraries. */
  readonly log: string;
}

/** Timeout for libraries that hang. */
const patienceMs = 30_000;

/**
 * Runs a tiny model with an execution provider in a process of its own: unsuitable libraries may crash the process.
 * @param environment additional variables of the process
 */
export function tryTinyModel(
  provider: string,
  device: string | null,
  environment: Readonly<Record<string, string>> = {},
): Promise<Trial> {
  const entry = fileURLToPath(builtModule('compiler/runtime/providers/try-provider-main.js'));
  const options = { timeout: patienceMs, maxBuffer: 2 ** 24, env: { ...process.env, ...environment } };
  return new Promise((resolve) => {
    execFile(process.execPath, [entry, provider, ...(device === null ? [] : [device])], options, (error, out, log) => {
      if (error === null) resolve({ reason: null, log });
      else if (error.killed === true) resolve({ reason: `gave no answer in ${patienceMs / 1000} s`, log });
      else {
        const ended = `the process ended (${error.signal ?? `exit code ${String(error.code)}`})`;
        resolve({ reason: firstLine(out) ?? firstLine(log) ?? ended, log });
      }
    });
  });
}

/** The first line that is neither empty nor from Vulkan's loader. */
const firstLine = (text: string): string | undefined =>
  text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '' && !line.startsWith('[Vulkan Loader]'));
