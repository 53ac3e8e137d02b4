import { setTimeout } from 'node:timers/promises';

/** Waits, but no longer than until the signal is aborted; keeps no process alive. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  setTimeout(ms, undefined, { signal, ref: false }).catch(() => undefined);
