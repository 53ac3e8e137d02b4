import { pino, type Logger } from 'pino';
import type { InferencePool } from '../../serve/inference/pool.js';
import type { Terminal } from '../output/terminal.js';
import type { LogLevel } from './arguments.js';
import { servedNetworks, servedTable, workersText } from './served-table.js';

interface ServeView {
  readonly log: Logger;
  readonly served: (pool: InferencePool) => void;
}

function textOf(line: string): string {
  const { level, msg, err } = JSON.parse(line) as { level: number; msg?: string; err?: { stack?: string } };
  const what = err?.stack ?? msg ?? '';
  if (level >= pino.levels.values['error']) return `error: ${what}\n`;
  return level >= pino.levels.values['warn'] ? `warning: ${what}\n` : `${what}\n`;
}

/** Messages: text on a terminal, else JSON lines for log collectors. */
export function createServeView({ live, err, colors }: Terminal, level: LogLevel): ServeView {
  const log = pino({ level }, { write: live ? (line) => err(textOf(line)) : err });
  return {
    log,
    served: live
      ? (pool) => err(`Serving (${workersText(pool)}):\n${servedTable(pool, colors)}`)
      : (pool) => log.info({ workers: pool.workers, networks: servedNetworks(pool) }, 'serving'),
  };
}
