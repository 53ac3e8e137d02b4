import type { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';

/** The threads that are started from now on until the test ends, in their order. */
export function startedThreads(): readonly Worker[] {
  const threads: Worker[] = [];
  const onThread = (thread: Worker): void => void threads.push(thread);
  process.on('worker', onThread);
  onTestFinished(() => void process.off('worker', onThread));
  return threads;
}

/**
 * Ends an inference thread by an uncaught error, that of a message which is none, once it has read what it was sent before.
 * `terminate` will not do: while ONNX Runtime computes, it takes the whole process.
 */
export const crash = (thread: Worker): void => thread.postMessage(null);
