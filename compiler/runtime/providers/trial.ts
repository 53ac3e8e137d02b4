import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { builtModule } from '../../../base/processes.js';

/** How it went when a provider ran a tiny model. */
export interface Trial {
  /** Why it did not work; null when it did. */
  readonly reason: string | null;
  /** What the process and the libraries that it loaded wrote to the standard error output. */
  readonly log: string;
}

/** What the tiny model computes with: a provider may work and its device lack float16. */
export type TrialType = 'float32' | 'float16';

/** A provider whose libraries hang is given up after this long. */
const patienceMs = 30_000;

/**
 * Runs a tiny model with an execution provider, in a process of its own: a provider whose libraries do not fit may end
 * the process.
 * @param environment what its environment has besides this one's
 */
export function tryTinyModel(
  provider: string,
  device: string | null,
  environment: Readonly<Record<string, string>> = {},
  type: TrialType = 'float32',
): Promise<Trial> {
  const entry = fileURLToPath(builtModule('./try-provider-main.js', import.meta.url));
  const options = { timeout: patienceMs, maxBuffer: 2 ** 24, env: { ...process.env, ...environment } };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [entry, type, provider, ...(device === null ? [] : [device])],
      options,
      (error, out, log) => {
        if (error === null) resolve({ reason: null, log });
        else if (error.killed === true) resolve({ reason: `gave no answer in ${patienceMs / 1000} s`, log });
        else {
          const ended = `the process ended (${error.signal ?? `exit code ${String(error.code)}`})`;
          resolve({ reason: firstWords(out) ?? firstWords(log) ?? ended, log });
        }
      },
    );
  });
}

/** The first line that says something; Vulkan's loader only tells what it looks for. */
const firstWords = (text: string): string | undefined =>
  text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '' && !line.startsWith('[Vulkan Loader]'));
