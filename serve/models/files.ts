import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { invalidInput, messageOf } from '../../base/errors.js';

const ending = '.onnx';
/** File name of an export in its own folder. */
const exported = `model${ending}`;

const isThere = async (file: string): Promise<boolean> => {
  try {
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
};

async function kindOf(path: string): Promise<'file' | 'folder'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch (cause) {
    throw invalidInput(`${path}: cannot be read: ${messageOf(cause)}`, {
      hint: 'Pass a folder of models, an .onnx file, or the folder of a run.',
      cause,
    });
  }
}

/**
 * Finds the ONNX files at a path: the file itself; the files of a folder; `model.onnx` in each of its sub-folders, as
 * `nas export --pareto` writes them. Names that start with a dot are ignored.
 * @returns absolute paths, sorted
 * @throws NasError `invalid-input` when there is none.
 */
export async function findFiles(path: string): Promise<readonly string[]> {
  const root = resolve(path);
  if ((await kindOf(root)) === 'file') {
    if (root.endsWith(ending)) return [root];
    throw invalidInput(`${path} is not an ONNX model: its name does not end in ${ending}`, {
      hint: 'Pass a folder of models or an .onnx file; nas export --to onnx writes one.',
    });
  }
  const names = (await readdir(root)).filter((name) => !name.startsWith('.')).sort();
  const possible = names.map((name) => join(root, name.endsWith(ending) ? name : join(name, exported)));
  const there = await Promise.all(possible.map(isThere));
  const files = possible.filter((_, i) => there[i]);
  if (files.length > 0) return files;
  throw invalidInput(`${path}: this folder has no ${ending} file and no sub-folder with a ${exported}`, {
    hint: 'nas export <workdir> --pareto --to onnx -o <folder> writes such a folder.',
  });
}
