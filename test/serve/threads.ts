import type { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';

/**
 * The threads that start before the test ends, in order.
 * @param onStart called with each new thread and its index
 */
export function startedThreads(onStart: (thread: Worker, index: number) => void = () => undefined): readonly Worker[] {
  const threads: Worker[] = [];
  const onThread = (thread: Worker): void => onStart(thread, threads.push(thread) - 1);
  process.on('worker', onThread);
  onTestFinished(() => void process.off('worker', onThread));
  return threads;
}

/**
 * Ends an inference thread by an uncaught error: it reads an invalid message after its earlier ones. `terminate` while ONNX
 * Runtime computes would end the whole process.
 */
export const crash = (thread: Worker): void => thread.postMessage(null);

/** Ends an inference thread while its next batch is in flight: the invalid message is in front of the batch. */
export function crashWithNextBatch(thread: Worker): void {
  const post = thread.postMessage.bind(thread);
  thread.postMessage = (message: unknown): void => {
    post(null);
    post(message);
  };
}
