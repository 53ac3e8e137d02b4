import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { invalidInput } from '../../base/errors.js';
import { checkWritable } from '../../base/files.js';

/**
 * Checks the file that a command writes about another one.
 * @param example name of a file for the hint
 * @throws NasError `invalid-input` when it is the model itself, a folder, or cannot be written
 */
export function checkOutput(output: string, model: string, example: string): void {
  if (resolve(output) === resolve(model))
    throw invalidInput(`--output ${output}: that is the model itself, which is still needed`, {
      hint: `For example --output ${example}.`,
    });
  if (existsSync(output) && statSync(output).isDirectory())
    throw invalidInput(`--output ${output}: that is a folder`, { hint: `For example --output ${output}/${example}.` });
  checkWritable(output);
}

/** The metadata of an export, without its date; undefined where there is none. */
function metadataIn(directory: string): unknown {
  const file = join(directory, 'metadata.json');
  if (!existsSync(file)) return undefined;
  try {
    return { ...(JSON.parse(readFileSync(file, 'utf8')) as object), created: null };
  } catch {
    return undefined;
  }
}

/** Whether a folder holds nothing that new files replace, or an export of the same network in the same form. */
function isFree(directory: string, staged: string, files: readonly string[]): boolean {
  if (!files.some((file) => existsSync(join(directory, file)))) return true;
  // Pages have their facts under a hash of the content.
  const facts = files.find((file) => /^facts\.[0-9a-f]{16}\.json$/.test(file));
  if (facts !== undefined) return existsSync(join(directory, facts));
  const metadata = metadataIn(staged);
  if (metadata === undefined || !isDeepStrictEqual(metadata, metadataIn(directory))) return false;
  // Only a date may differ, which keeps the size. Compressed copies follow their files.
  const sizeOf = (folder: string, file: string) => statSync(join(folder, file), { throwIfNoEntry: false })?.size;
  return files.every((file) => {
    const size = sizeOf(directory, file);
    return size === undefined || /\.(br|gz)$/.test(file) || size === sizeOf(staged, file);
  });
}

/**
 * Writes an export into a hidden folder first, and moves it in the end. The hidden folder is inside of an existing folder, which may be a
 * mounted device, or else beside the new one.
 * @param write writes the files into a folder
 * @returns what `write` does
 * @throws NasError `invalid-input` when the folder holds another export, unless `force` is true
 */
export async function writeExport<T>(
  directory: string,
  force: boolean,
  write: (staged: string) => Promise<T>,
): Promise<T> {
  const parent = existsSync(directory) ? directory : dirname(resolve(directory));
  mkdirSync(parent, { recursive: true });
  const staged = mkdtempSync(join(parent, '.nas-export-'));
  try {
    const written = await write(staged);
    const files = readdirSync(staged, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(staged.length + 1));
    if (!force && !isFree(directory, staged, files)) {
      const held = files.filter((file) => existsSync(join(directory, file))).sort();
      const names = `${held.slice(0, 3).join(', ')}${held.length > 3 ? ', ...' : ''}`;
      throw invalidInput(`${directory} holds another export: ${names}`, {
        hint: 'Choose another folder, or --force to replace it.',
      });
    }
    // A page comes last: it names the other files.
    for (const file of files.sort((a, b) => Number(a === 'index.html') - Number(b === 'index.html'))) {
      mkdirSync(dirname(join(directory, file)), { recursive: true });
      renameSync(join(staged, file), join(directory, file));
    }
    return written;
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}
