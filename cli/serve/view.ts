import { pino, type Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { InferencePool } from '../../serve/inference/pool.js';
import type { Terminal } from '../output/terminal.js';
import { countsOf, figuresLine, type Counts } from './figures.js';
import type { LogLevel } from './arguments.js';
import { servedNetworks, servedTable, workersText } from './served-table.js';

interface ServeView {
  readonly log: Logger;
  readonly served: (pool: InferencePool) => void;
  readonly follow: (registry: Registry) => void;
  /** Removes the status line. */
  readonly close: () => void;
}

/** Refresh interval of the status line in ms. */
const interval = 1000;

/** JSON lines for log collectors. */
export function createPlainView({ err }: Terminal, level: LogLevel): ServeView {
  const log = pino({ level }, { write: err });
  return {
    log,
    served: (pool) => log.info({ workers: pool.workers, networks: servedNetworks(pool) }, 'serving'),
    follow: () => undefined,
    close: () => undefined,
  };
}

function textOf(line: string): string {
  const { level, msg, err } = JSON.parse(line) as { level: number; msg?: string; err?: { stack?: string } };
  const what = err?.stack ?? msg ?? '';
  if (level >= pino.levels.values['error']) return `error: ${what}\n`;
  return level >= pino.levels.values['warn'] ? `warning: ${what}\n` : `${what}\n`;
}

/** Messages as text above a status line. */
export function createLiveView({ err, columns, colors }: Terminal, level: LogLevel): ServeView {
  let line = '';
  let timer: NodeJS.Timeout | null = null;
  const draw = (above: string): void => err(`\r\u001b[K${above}${line.slice(0, Math.max(20, columns() || 80) - 1)}`);
  const log = pino({ level }, { write: (text) => draw(textOf(text)) });
  const figures = (registry: Registry): (() => Promise<void>) => {
    let before: { readonly counts: Counts; readonly at: number } | null = null;
    return async () => {
      const counts = await countsOf(registry);
      const at = performance.now();
      if (before !== null) line = figuresLine(before.counts, counts, (at - before.at) / 1000);
      before = { counts, at };
      if (timer !== null) draw('');
    };
  };
  return {
    log,
    served: (pool) => draw(`Serving (${workersText(pool)}):\n${servedTable(pool, colors)}`),
    follow: (registry) => {
      const show = figures(registry);
      void show();
      timer = setInterval(() => void show(), interval);
      timer.unref();
    },
    close: () => {
      if (timer !== null) clearInterval(timer);
      timer = null;
      line = '';
      draw('');
    },
  };
}

export const createServeView = (terminal: Terminal, level: LogLevel): ServeView =>
  (terminal.live ? createLiveView : createPlainView)(terminal, level);
