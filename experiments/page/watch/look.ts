import { Store } from '../../../store/index.js';
import { databasePath } from '../../stored/workdir.js';

/** How long a look waits where somebody has the file for itself, in ms; meanwhile the server answers nobody. */
const patience = 200;

/**
 * Reads a run. Its file is open meanwhile only: a runner that ends wants it for itself.
 * @throws NasError `in-use` when it is locked at this moment; `invalid-input` when it cannot be read.
 */
export async function look<T>(workdir: string, task: (store: Store) => T | Promise<T>): Promise<T> {
  const store = Store.open(databasePath(workdir), { readonly: true, patience });
  try {
    return await task(store);
  } finally {
    store.close();
  }
}
