import picocolors from 'picocolors';
import type { Terminal } from '../../cli/output/terminal.js';

/** A terminal that shows nothing, and says how wide help is. */
export const quietTerminal: Terminal = {
  colors: picocolors.createColors(false),
  live: false,
  columns: () => 100,
  out: () => undefined,
  err: () => undefined,
};
