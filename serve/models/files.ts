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

/** A file of a model. */
interface ModelFile {
  /** Absolute path. */
  readonly file: string;
  /** The path whose name is the model's: the file, or the folder of its versions. */
  readonly named: string;
  /** Name of its folder in a folder of versions; otherwise 1. */
  readonly version: number;
}

const isVersion = (name: string): boolean => /^[1-9]\d{0,8}$/.test(name);

/** The files at a path in a folder of models. */
async function filesAt(path: string): Promise<readonly ModelFile[]> {
  const file = path.endsWith(ending) ? path : join(path, exported);
  if (await isThere(file)) return [{ file, named: file, version: 1 }];
  const folders = (await readdir(path).catch(() => [])).filter(isVersion);
  const versions = folders.map((name) => ({ file: join(path, name, exported), named: path, version: Number(name) }));
  const there = await Promise.all(versions.map((one) => isThere(one.file)));
  return versions.filter((_, i) => there[i]).sort((a, b) => a.version - b.version);
}

/**
 * Finds the ONNX files at a path: the file itself; the files of a folder; `model.onnx` in each of its sub-folders, as
 * `nas export --pareto` writes them, or in their folders of versions (`1`, `2`, ...). Names that start with a dot are ignored.
 * @returns sorted by path, then version
 * @throws NasError `invalid-input` when there is none.
 */
export async function findFiles(path: string): Promise<readonly ModelFile[]> {
  const root = resolve(path);
  if ((await kindOf(root)) === 'file') {
    if (root.endsWith(ending)) return [{ file: root, named: root, version: 1 }];
    throw invalidInput(`${path} is not an ONNX model: its name does not end in ${ending}`, {
      hint: 'Pass a folder of models or an .onnx file; nas export --to onnx writes one.',
    });
  }
  const names = (await readdir(root)).filter((name) => !name.startsWith('.')).sort();
  const files = (await Promise.all(names.map((name) => filesAt(join(root, name))))).flat();
  if (files.length > 0) return files;
  throw invalidInput(`${path}: this folder has no ${ending} file and no sub-folder with a ${exported}`, {
    hint: 'nas export <workdir> --pareto --to onnx -o <folder> writes such a folder.',
  });
}
