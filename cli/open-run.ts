import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { invalidInput } from '../base/errors.js';
import { nearest } from '../base/text.js';
import { databasePath } from '../runner/stored/workdir.js';
import { Store } from '../store/index.js';

function beside(workdir: string): string {
  const parent = dirname(workdir);
  const runs = existsSync(parent)
    ? readdirSync(parent).filter((name) => existsSync(databasePath(join(parent, name))))
    : [];
  const meant = nearest(basename(workdir), runs);
  if (meant !== undefined) return `; did you mean '${join(parent, meant)}'?`;
  return '';
}

/**
 * Opens the store of a run read-only for a task.
 * @throws NasError `invalid-input` when there is no run in the folder, or its database is damaged or of a newer nas.
 */
export async function withRun<T>(workdir: string, task: (store: Store) => Promise<T> | T): Promise<T> {
  if (!existsSync(databasePath(workdir))) {
    const what = existsSync(workdir) ? 'there is no run in this folder' : 'there is no such folder';
    throw invalidInput(`${workdir}: ${what}${beside(workdir)}`, {
      hint: 'Give the folder of a run (runs/<name> by default); nas run <yaml> starts one.',
    });
  }
  using store = Store.open(databasePath(workdir), { readonly: true });
  return await task(store);
}
