import type { Terminal } from '../output/terminal.js';

/** Minimum time between two updates, ms: redrawn lines, and lines of a log. */
const pause = { live: 100, plain: 10_000 } as const;

/**
 * Counter of long work: one redrawn line on a terminal, else a line every ten seconds, so that short work prints nothing.
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
