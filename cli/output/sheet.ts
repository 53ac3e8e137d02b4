import { extname } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { checkWritable, writeFileAtomic } from '../../base/files.js';
import type { ContactSheet } from '../../experiments/data/index.js';

/** Draws a sheet by the extension of its file. */
const formats: Readonly<Partial<Record<string, (sheet: ContactSheet) => Promise<string | Buffer>>>> = {
  '.html': async (sheet) => (await import('../../ui/index.js')).renderSheet(sheet),
  '.png': async (sheet) => (await import('../../experiments/data/index.js')).sheetPng(sheet),
};

/**
 * A function that draws a sheet into the file of `--sheet`; does nothing where there is none.
 * @throws NasError `invalid-input` for other extensions, or when the file cannot be written
 */
export function sheetWriter(file: string | undefined): (sheet: () => Promise<ContactSheet>) => Promise<void> {
  if (file === undefined) return () => Promise.resolve();
  const draw = formats[extname(file).toLowerCase()];
  if (draw === undefined)
    throw invalidInput(`--sheet ${file}: a contact sheet is a file with the extension .html or .png`);
  checkWritable(file);
  return async (sheet) => {
    writeFileAtomic(file, await draw(await sheet()));
  };
}
