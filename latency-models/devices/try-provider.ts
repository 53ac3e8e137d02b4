import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { builtModule } from '../../base/built-module.js';

/** A provider whose libraries hang is given up after this long. */
const patienceMs = 30_000;

/**
 * Runs a tiny model with an execution provider, in a process of its own: a provider whose libraries do not fit may end
 * the process.
 * @returns null when it works, otherwise why not.
 */
export function tryProvider(provider: string): Promise<string | null> {
  const entry = fileURLToPath(builtModule('./try-provider-main.js', import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, [entry, provider], { timeout: patienceMs }, (error, out, err) => {
      if (error === null) resolve(null);
      else if (error.killed === true) resolve(`gave no answer in ${patienceMs / 1000} s`);
      else
        resolve(
          reason(out) ?? reason(err) ?? `the process ended (${error.signal ?? `exit code ${String(error.code)}`})`,
        );
    });
  });
}

/** The first line that says something. */
const reason = (text: string): string | undefined =>
  text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '');
