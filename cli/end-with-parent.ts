import { Worker } from 'node:worker_threads';

/** ms. */
const interval = 1000;

/**
 * Ends this process when its parent process has ended. A thread watches, because the IPC channel reports nothing while the main
 * thread is blocked. It takes 8 MiB.
 */
export function endWithParent(): void {
  const watch = `setInterval(() => process.ppid === ${process.ppid} || process.kill(process.pid, 'SIGKILL'), ${interval})`;
  new Worker(watch, { eval: true, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: 16 } }).unref();
}
