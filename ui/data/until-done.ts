/** Waits before something is tried again, in ms: the last one ever after. */
const waits = [500, 1000, 2000, 4000, 8000];

const sleep = (ms: number, ended: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      ended.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    ended.addEventListener('abort', over);
  });

/**
 * Does something again and again until it succeeds or is ended, with growing waits between. `failed` is told each time why
 * it did not succeed; an attempt that says that it gets on makes waits short again.
 */
export async function untilDone(
  attempt: (progress: () => void) => Promise<void>,
  failed: (error: unknown) => void,
  ended: AbortSignal,
): Promise<void> {
  const isOver = (): boolean => ended.aborted;
  for (let tries = 0; !isOver(); tries++) {
    try {
      await attempt(() => (tries = 0));
      return;
    } catch (error) {
      if (isOver()) return;
      failed(error);
    }
    await sleep(waits[Math.min(tries, waits.length - 1)], ended);
  }
}
