/**
 * Entry of the loader's thread: answers each request (epoch, step) with the rendered batch, in order. Each training starts
 * several, so that it loads no more than it takes to render: no package, and nothing that opens data.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { NasError, messageOf } from '../../base/errors.js';
import { openBatches, type Batch, type BatchSource, type LoaderOptions } from './batches.js';

/** What the loader asks for. */
export interface BatchRequest {
  readonly id: number;
  readonly epoch: number;
  readonly step: number;
}

/** An error in a form that keeps its meaning between threads. */
export interface ThreadError {
  readonly message: string;
  readonly code?: NasError['code'];
  readonly hint?: string | undefined;
}

/** What comes back for a request. */
export type BatchReply = { readonly id: number } & ({ readonly batch: Batch } | { readonly error: ThreadError });

const describe = (error: unknown): ThreadError =>
  error instanceof NasError
    ? { message: error.message, code: error.code, hint: error.hint }
    : { message: error instanceof Error ? (error.stack ?? error.message) : messageOf(error) };

if (parentPort !== null) {
  const port = parentPort;
  const options = workerData as LoaderOptions; // given by createLoader, the only one to start this file
  let batches: BatchSource | undefined;
  port.on('message', ({ id, epoch, step }: BatchRequest) => {
    try {
      batches ??= openBatches(options);
      const batch = batches.batch(epoch, step);
      const buffers = [batch.images, batch.labels, batch.teacher].flatMap((array) => array?.buffer ?? []);
      port.postMessage({ id, batch } satisfies BatchReply, buffers as ArrayBuffer[]); // all made by openBatches
    } catch (error) {
      port.postMessage({ id, error: describe(error) } satisfies BatchReply);
    }
  });
}
