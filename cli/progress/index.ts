import type { Terminal } from '../output/terminal.js';
import { createLiveView } from './live.js';
import { createPlainView } from './plain.js';
import type { ProgressView } from './view.js';

export type { ProgressView } from './view.js';

/** Live lines where a person watches, plain ones elsewhere. */
export const createProgressView = (terminal: Terminal, clock: () => number = () => performance.now()): ProgressView =>
  terminal.live ? createLiveView(terminal, clock) : createPlainView(terminal, clock);
