import pino from 'pino';
import { onTestFinished } from 'vitest';
import { readFrontier } from '../../serve/models/frontier.js';
import { startServer, type RunningServer, type ServerOptions } from '../../serve/start-server.js';

/** A server of the networks in a folder, small and silent unless the options say otherwise; ended after the test. */
export async function started(folder: string, options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const server = await startServer({
    read: () => readFrontier(folder),
    host: '127.0.0.1',
    port: 0,
    workers: 'inline',
    decoders: 1,
    maxQueue: 64,
    maxBatch: 1,
    budgetMs: 30_000,
    log: pino({ level: 'silent' }),
    ...options,
  });
  onTestFinished(() => server.close());
  return server;
}
