import type { Terminal } from '../output/terminal.js';

/** One line that counts, where it can be drawn again; silent elsewhere. */
export function createCounter({ live, err }: Terminal) {
  let shown = 0;
  const show =
    (what: string) =>
    (done: number, total: number): void => {
      const now = performance.now();
      if (!live || (now - shown < 100 && done < total)) return;
      shown = now;
      err(`\r\u001b[K${what}: ${done} of ${total}`);
    };
  return {
    show,
    close: (): void => {
      if (live && shown > 0) err('\r\u001b[K');
    },
  };
}
