import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';

/** The threads that are started from now on until the test ends, in their order: Node.js tells of each. */
export function startedThreads(): readonly Worker[] {
  const threads: Worker[] = [];
  const onThread = (message: unknown): void => void threads.push((message as { readonly worker: Worker }).worker);
  subscribe('worker_threads', onThread);
  onTestFinished(() => void unsubscribe('worker_threads', onThread));
  return threads;
}

/**
 * Ends an inference thread by an uncaught error, that of a message which is none, once it has read what it was sent before.
 * `terminate` will not do: while ONNX Runtime computes, it takes the whole process.
 */
export const crash = (thread: Worker): void => thread.postMessage(null);
