import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../../base/errors.js';
import { findFiles } from '../../serve/models/files.js';
import { metadataFile } from '../../serve/models/read-model.js';

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
    const files = (await findFiles(path)).map(({ file }) => file);
    const beside = new Set(files.map((file) => join(dirname(file), metadataFile)));
    return (await Promise.all([...files, ...beside].map(stampOf))).join('\n');
  } catch (error) {
    return messageOf(error);
  }
}

interface WatchOptions {
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
