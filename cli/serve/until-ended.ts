import type { Logger } from 'pino';
import { exitCodes, messageOf } from '../../base/errors.js';
import type { RunningServer } from '../../serve/start-server.js';

/** Has models read anew; what cannot be served is said, and what was served before stays. */
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
 * Runs a server until it is told to end, and has answered what it took; a second signal ends the process at once.
 * @param drainMs how long it says that it is not ready before it takes no more connections
 */
export async function untilEnded(server: RunningServer, drainMs: number, log: Logger): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let isEnding = false;
    const onSignal = (): void => {
      if (isEnding) process.exit(exitCodes.interrupted);
      isEnding = true;
      log.info({ drainMs }, 'ending: what was accepted is answered');
      server.drained(drainMs).then(resolve, reject);
    };
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  });
  log.info('ended: all that was accepted is answered');
}
