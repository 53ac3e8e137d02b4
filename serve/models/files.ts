import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { invalidInput, messageOf } from '../../base/errors.js';
import { metadataFile } from './read-model.js';

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

/** Identity of a file's content by inode, size and time; empty when the file is missing. */
async function stampOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file);
    return `${file} ${ino} ${size} ${mtimeMs}`;
  } catch {
    return '';
  }
}

/** One text that changes when the models at a path or their metadata files change. */
async function stampAt(path: string): Promise<string> {
  try {
    const files = await findFiles(path);
    const beside = new Set(files.map((file) => join(dirname(file), metadataFile)));
    return (await Promise.all([...files, ...beside].map(stampOf))).join('\n');
  } catch (error) {
    return messageOf(error);
  }
}

export interface WatchOptions {
  /** Polling interval in ms. */
  readonly everyMs: number;
  /** Called when the files changed and then stayed the same for one interval, so that no file is half written. */
  readonly onChange: () => void;
}

/**
 * Watches the models at a path (`findFiles`) by polling names, times and sizes: file system events are missing on network
 * drives and in containers. The timer does not keep the process alive.
 * @returns a function that stops watching
 */
export async function watchModels(path: string, { everyMs, onChange }: WatchOptions): Promise<() => void> {
  let reported = await stampAt(path);
  let last = reported;
  let isPolling = false;
  const poll = async (): Promise<void> => {
    const now = await stampAt(path);
    if (now === last && now !== reported) {
      reported = now;
      onChange();
    }
    last = now;
  };
  const timer = setInterval(() => {
    if (isPolling) return;
    isPolling = true;
    void poll().finally(() => (isPolling = false));
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
