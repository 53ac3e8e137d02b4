import { readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { invalidInput } from '../base/errors.js';
import { writeFileAtomic } from '../base/files.js';
import { Store, workerIn } from '../store/index.js';
import { databasePath, hasRun, stopFile } from './stored/workdir.js';

/** A signal that is never aborted. */
export const never = new AbortController().signal;

/** Milliseconds between two looks at the request. */
const interval = 300;

/** The process that shall stop; a later run in the same workdir has another holder, and ignores an old request. */
const requestOf = (workdir: string): string | null => {
  const holder = workerIn(workdir);
  return holder === null ? null : `${JSON.stringify(holder)}\n`;
};

/**
 * Asks the process that works on a workdir (a run, or `nas latency measure --frontier`) to write its checkpoints and stop, as the
 * first Ctrl-C does. Returns at once; `nas resume` continues the run.
 * @param options how long a locked database is waited for
 * @throws NasError `invalid-input` when no process works there.
 */
export function requestStop(workdir: string, options: { readonly patience?: number } = {}): void {
  if (!hasRun(workdir)) throw invalidInput(`${workdir}: there is no run here`, { hint: 'nas run <yaml> starts one.' });
  const store = Store.open(databasePath(workdir), { readonly: true, ...options });
  const { status } = store.run.state();
  store.close();
  const request = requestOf(resolve(workdir));
  // `nas latency measure --frontier` works on complete runs.
  if (request === null) throw invalidInput(`${workdir}: the run is not going on: it is ${status}`);
  writeFileAtomic(stopFile(workdir), request);
}

/**
 * Calls `stop` once when another process asks this one, which holds the lock of the workdir, to stop.
 * @returns ends the watch.
 */
export function onStopRequest(workdir: string, stop: () => void): () => void {
  const file = stopFile(workdir);
  const own = requestOf(workdir);
  const look = (): void => {
    if (own === null || read(file) !== own) return;
    end();
    stop();
  };
  const timer = setInterval(look, interval).unref();
  const end = (): void => {
    clearInterval(timer);
    rmSync(file, { force: true });
  };
  return end;
}

/**
 * A signal that is aborted with another one, or when another process asks this one, which holds the lock of the workdir, to stop.
 * `end` ends the watch.
 */
export function stopSignal(
  workdir: string,
  asked: AbortSignal,
): { readonly signal: AbortSignal; readonly end: () => void } {
  const stopped = new AbortController();
  // `AbortSignal.any` may be collected while its sources live.
  const abort = (): void => stopped.abort();
  if (asked.aborted) abort();
  else asked.addEventListener('abort', abort, { once: true });
  const endWatch = onStopRequest(workdir, abort);
  return {
    signal: stopped.signal,
    end: () => {
      endWatch();
      asked.removeEventListener('abort', abort);
    },
  };
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
