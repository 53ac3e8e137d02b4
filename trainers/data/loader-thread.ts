/**
 * Entry of a loader's thread: answers each request (epoch, step) with the rendered batch, in order. Processes start
 * several threads, so this file imports only what rendering needs: no package, and nothing that opens data.
 */
import { parentPort } from 'node:worker_threads';
import { NasError, messageOf } from '../../base/errors.js';
import { openBatches, type Batch, type BatchSource, type ImageForm, type LoaderOptions } from './batches.js';

/** What a loader sends: its options before all batches, and null when it is closed. */
export type ThreadRequest =
  | { readonly open: LoaderOptions | null }
  | {
      readonly batch: {
        readonly id: number;
        readonly epoch: number;
        readonly step: number;
        readonly others: readonly ImageForm[];
      };
    };

/** An error that keeps its code and hint between threads. */
export interface ThreadError {
  readonly message: string;
  readonly code?: NasError['code'];
  readonly hint?: string | undefined;
}

/** The answer to a request. */
export type BatchReply = { readonly id: number } & ({ readonly batch: Batch } | { readonly error: ThreadError });

const describe = (error: unknown): ThreadError =>
  error instanceof NasError
    ? { message: error.message, code: error.code, hint: error.hint }
    : { message: error instanceof Error ? (error.stack ?? error.message) : messageOf(error) };

if (parentPort !== null) {
  const port = parentPort;
  let options: LoaderOptions | null = null;
  let batches: BatchSource | undefined;
  port.on('message', (request: ThreadRequest) => {
    if ('open' in request) {
      batches?.close();
      batches = undefined;
      options = request.open;
      return;
    }
    const { id, epoch, step, others } = request.batch;
    try {
      if (options === null) throw new Error('the loader is closed');
      batches ??= openBatches(options);
      const batch = batches.batch(epoch, step, others);
      const forms = [batch, ...batch.others].flatMap(({ images, labels }) => [images, labels]);
      const buffers = [...forms, batch.teacher].flatMap((array) => array?.buffer ?? []);
      port.postMessage({ id, batch } satisfies BatchReply, buffers as ArrayBuffer[]); // all made by openBatches
    } catch (error) {
      port.postMessage({ id, error: describe(error) } satisfies BatchReply);
    }
  });
}
