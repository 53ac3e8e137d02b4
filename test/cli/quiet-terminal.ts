import picocolors from 'picocolors';
import type { Terminal } from '../../cli/output/terminal.js';

/** A terminal of fixed width without output. */
export const quietTerminal: Terminal = {
  colors: picocolors.createColors(false),
  live: false,
  columns: () => 100,
  out: () => undefined,
  err: () => undefined,
};
