import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, NasError } from '../../../base/errors.js';
import { Unreachable } from './failures.js';

/** Pauses between attempts, in ms: each twice the one before. */
const [firstPause, longestPause] = [100, 2000];

export interface Patience {
  /** So long without any progress is waited for an answer, in ms. */
  readonly patienceMs: number;
  readonly signal?: AbortSignal | undefined;
  /** In ms; by default one that nobody sets. */
  readonly clock?: (() => number) | undefined;
  /** What is to be done, for people: `fetching 1a2b3c`. */
  readonly what: string;
  /** What to look at, when it cannot be done. */
  readonly hint: string;
}

/**
 * Does something again as long as it fails for being `Unreachable`, and what it calls `moved` for goes on now and then.
 * @throws NasError `failure` when it has not for `patienceMs`; whatever else `attempt` throws
 */
export async function keepTrying<T>(attempt: (moved: () => void) => Promise<T>, patience: Patience): Promise<T> {
  const { patienceMs, signal, clock = () => performance.now(), what, hint } = patience;
  let since = clock();
  let pause = firstPause;
  const moved = (): void => {
    since = clock();
    pause = firstPause;
  };
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await attempt(moved);
    } catch (cause) {
      signal?.throwIfAborted();
      if (!(cause instanceof Unreachable)) throw cause;
      if (clock() + pause - since > patienceMs)
        throw new NasError('failure', `${what} has not gone on for ${patienceMs / 1000} s: ${messageOf(cause)}`, {
          hint,
          cause,
        });
    }
    await sleep(pause, undefined, { signal }).catch(() => signal?.throwIfAborted());
    pause = Math.min(longestPause, 2 * pause);
  }
}
