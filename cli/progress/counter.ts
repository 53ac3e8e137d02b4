import type { Terminal } from '../output/terminal.js';

/** Pauses between two lines, in ms: where a line can be drawn again, and elsewhere, where each stays. */
const pause = { live: 100, plain: 10_000 } as const;

/**
 * Counts work that takes long: one line that is drawn again, or, where that cannot be, a line now and then. Short work is
 * silent there.
 * @param clock in ms
 */
export function createCounter({ live, err }: Pick<Terminal, 'live' | 'err'>, clock = () => performance.now()) {
  let shown = live ? -Infinity : clock();
  let drawn = false;
  const show =
    (what: string) =>
    (done: number, total: number): void => {
      const now = clock();
      if (now - shown < (live ? pause.live : pause.plain) && (done < total || !live)) return;
      shown = now;
      drawn = true;
      const text = `${what}: ${done} of ${total}`;
      err(live ? `\r\u001b[K${text}` : `${text}\n`);
    };
  return {
    show,
    close: (): void => {
      if (live && drawn) err('\r\u001b[K');
    },
  };
}
