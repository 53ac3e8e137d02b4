import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../../base/errors.js';
import { findFiles } from './find-files.js';
import { metadataFile } from './read-model.js';

/** What tells that a file is another one, or changed; where there is none, nothing. */
async function traceOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file);
    return `${file} ${ino} ${size} ${mtimeMs}`;
  } catch {
    return '';
  }
}

/** The models at a path, and what lies beside them, as one text that changes when they do. */
async function traceAt(path: string): Promise<string> {
  try {
    const files = await findFiles(path);
    const beside = new Set(files.map((file) => join(dirname(file), metadataFile)));
    return (await Promise.all([...files, ...beside].map(traceOf))).join('\n');
  } catch (error) {
    return messageOf(error);
  }
}

export interface WatchOptions {
  /** How often files are looked at, in ms. */
  readonly everyMs: number;
  /** Called when what is at the path has changed, and then stayed as it is for that time: no file is half written. */
  readonly onChange: () => void;
}

/**
 * Watches the models at a path (`findFiles`), by looking at names, times and sizes: events of the system are missing on
 * network drives and in containers. It keeps no process alive.
 * @returns what ends it.
 */
export async function watchModels(path: string, { everyMs, onChange }: WatchOptions): Promise<() => void> {
  let told = await traceAt(path);
  let last = told;
  let isLooking = false;
  const look = async (): Promise<void> => {
    const now = await traceAt(path);
    if (now === last && now !== told) {
      told = now;
      onChange();
    }
    last = now;
  };
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    void look().finally(() => (isLooking = false));
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
