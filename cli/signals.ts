import { exitCodes } from '../base/errors.js';

/** The first Ctrl-C or SIGTERM calls `stop`, the second one ends the process. @returns a function that ends this */
export function onStop(stop: () => void): () => void {
  let isStopping = false;
  const onSignal = (): void => {
    if (isStopping) process.exit(exitCodes.interrupted);
    isStopping = true;
    stop();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return () => void process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
}

export const untilStopped = (): Promise<void> => new Promise((resolve) => void onStop(resolve));
