import { extname } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { checkWritable, writeFileAtomic } from '../../base/files.js';
import type { ContactSheet } from '../../experiments/data/index.js';

/**
 * A function that draws a sheet into the file of `--sheet`; does nothing where there is none.
 * @throws NasError `invalid-input` for other extensions than .html, or when the file cannot be written
 */
export function sheetWriter(file: string | undefined): (sheet: () => Promise<ContactSheet>) => Promise<void> {
  if (file === undefined) return () => Promise.resolve();
  if (extname(file).toLowerCase() !== '.html')
    throw invalidInput(`--sheet ${file}: a contact sheet is a page, a file with the extension .html`);
  checkWritable(file);
  return async (sheet) => {
    const { renderSheet } = await import('../../ui/index.js');
    writeFileAtomic(file, renderSheet(await sheet()));
  };
}
