import type { Logger } from 'pino';
import { exitCodes, messageOf } from '../../base/errors.js';
import type { RunningServer } from '../../serve/start-server.js';
import { onStop } from '../signals.js';

/** After the drain, a network that never returns does not keep the process: clients with the longest budget have left. */
const longestEndMs = 80_000;

/** Reloads the models. On failure it logs the reason, and the old models stay. */
export async function reloadModels({ service }: RunningServer, log: Logger): Promise<void> {
  const before = service.pool;
  try {
    await service.reload();
    if (service.pool === before) log.info('nothing has changed');
  } catch (error) {
    log.error(`not reloaded: ${messageOf(error)}`);
  }
}

/**
 * Runs a server until a signal ends it and all accepted requests are answered. A second signal ends the process at once.
 * @param drainMs time between "not ready" and refusing connections
 */
export async function untilEnded(server: RunningServer, drainMs: number, log: Logger): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    onStop(() => {
      log.info({ drainMs }, 'ending: answering accepted requests');
      server.drained(drainMs).then(resolve, reject);
      setTimeout(() => {
        log.error('some requests were not answered in time: the server ends without them');
        process.exit(exitCodes.failure);
      }, drainMs + longestEndMs).unref();
    });
  });
  log.info('ended: all accepted requests are answered');
}
