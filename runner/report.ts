import { basename, join } from 'node:path';
import { invalidInput, messageOf } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import type { Store } from '../store/index.js';
import type { RunObserver } from './events.js';

/** Draws the results of a run: texts by file name. `drawReport` of api/ is one. */
export type DrawReport = (store: Store) => Promise<Readonly<Record<string, string>>>;

/** @throws NasError `invalid-input` when a name is not one of a file right in the workdir */
function requireFileName(name: string): void {
  if (name !== basename(name) || name === '' || name === '.' || name === '..')
    throw invalidInput(`${JSON.stringify(name)} is no name of a file in the workdir`, {
      hint: 'A report is written right into the folder of its run.',
    });
}

/**
 * Writes the drawn report of a run into its workdir; nothing without `draw`. The results are in the store: a picture that
 * cannot be drawn must not turn them into a failed run.
 * @returns the files' names
 */
export async function writeReport(
  store: Store,
  workdir: string,
  draw: DrawReport | undefined,
  observe: RunObserver,
): Promise<readonly string[]> {
  if (draw === undefined) return [];
  try {
    const files = Object.entries(await draw(store));
    for (const [name] of files) requireFileName(name);
    for (const [name, text] of files) writeFileAtomic(join(workdir, name), text);
    return files.map(([name]) => name);
  } catch (error) {
    observe({ kind: 'warning', message: `the report could not be written: ${messageOf(error)}` });
    return [];
  }
}
