import { Worker } from 'node:worker_threads';
import { builtModule } from '../../base/processes.js';
import { NasError } from '../../base/errors.js';
import { epochImages } from './splits.js';
import { stepsPerEpoch, type Batch, type ImageForm, type LoaderOptions } from './batches.js';
import type { BatchReply, ThreadError, ThreadRequest } from './loader-thread.js';

/** Renders batches in its own thread while the caller trains; close it when done. */
export interface Loader {
  readonly stepsPerEpoch: number;
  /**
   * The batches of an epoch from `fromStep`; each depends only on (epoch, step). The iteration may end early. It throws
   * the thread's errors.
   * @param others further forms of the images of a step
   */
  epoch(epoch: number, fromStep?: number, others?: (step: number) => readonly ImageForm[]): AsyncIterable<Batch>;
  /** Rejects awaited batches. Its thread ends, or waits for the next loader. */
  close(): Promise<void>;
}

/** Batches rendered ahead, besides those that the caller takes next. */
const prefetch = 2;

interface Waiting {
  readonly resolve: (batch: Batch) => void;
  readonly reject: (error: Error) => void;
}

const revive = ({ code, message, hint }: ThreadError): Error =>
  code === undefined
    ? new Error(`the data loader failed: ${message}`)
    : new NasError(code, message, hint === undefined ? {} : { hint });

/** Threads that have no loader. A training starts several: the code of a used one is loaded and compiled. */
const idle: Worker[] = [];
const mostIdle = 2;

function startThread(): Worker {
  // Without node's own options: some (--eval) do not work in a thread that starts from a file.
  const worker = new Worker(builtModule('trainers/data/loader-thread.js'), { execArgv: [] });
  worker.unref();
  // An idle thread that ends serves no other loader.
  worker.once('exit', () => {
    const at = idle.indexOf(worker);
    if (at >= 0) idle.splice(at, 1);
  });
  return worker;
}

/** The loader's thread as a function from (epoch, step) to a batch. */
class LoaderThread {
  private readonly worker = idle.pop() ?? startThread();
  private readonly waiting = new Map<number, Waiting>();
  private next = 0;
  private ended: Error | null = null;
  private readonly listeners = {
    message: (reply: BatchReply) => this.receive(reply),
    error: (error: unknown) => this.end(error instanceof Error ? error : new Error(String(error))),
    exit: (code: number) => this.end(new Error(`the data loader's thread ended (exit code ${code})`)),
  };

  constructor(options: LoaderOptions) {
    for (const [event, listener] of Object.entries(this.listeners)) this.worker.on(event, listener);
    const { shared } = options.dataset;
    this.send({ open: { ...options, dataset: { shared } } });
  }

  request(epoch: number, step: number, others: readonly ImageForm[]): Promise<Batch> {
    const id = this.next++;
    const batch = new Promise<Batch>((resolve, reject) => {
      if (this.ended === null) this.waiting.set(id, { resolve, reject });
      else reject(this.ended);
    });
    // A consumer that stops early never awaits this batch, and its failure does not matter then.
    batch.catch(() => undefined);
    if (this.ended === null) {
      this.worker.ref();
      this.send({ batch: { id, epoch, step, others } });
    }
    return batch;
  }

  async close(): Promise<void> {
    const isIdle = this.ended === null && this.waiting.size === 0 && idle.length < mostIdle;
    this.end(new Error('the data loader is closed'));
    for (const [event, listener] of Object.entries(this.listeners)) this.worker.off(event, listener);
    if (!isIdle) {
      await this.worker.terminate();
      return;
    }
    this.send({ open: null });
    idle.push(this.worker);
  }

  private send(request: ThreadRequest): void {
    this.worker.postMessage(request);
  }

  private receive(reply: BatchReply): void {
    // A late batch must not unref the thread: `close` still waits for its end.
    if (this.ended !== null) return;
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    // Only a thread with open requests keeps the process alive.
    if (this.waiting.size === 0) this.worker.unref();
    if ('batch' in reply) waiting?.resolve(reply.batch);
    else waiting?.reject(revive(reply.error));
  }

  private end(error: Error): void {
    this.ended ??= error;
    for (const { reject } of this.waiting.values()) reject(this.ended);
    this.waiting.clear();
  }
}

/**
 * A loader over one split. Batch (epoch, step) is a pure function of the options. Without `shuffle`, epoch v is view v
 * of every image in the split's order; teachers compute their logits in this way.
 */
export function createLoader(options: LoaderOptions): Loader {
  const { info } = options.dataset.shared;
  const { split, unlabelled = false } = options;
  const steps = stepsPerEpoch(unlabelled ? epochImages(info, true) : info.counts[split], options);
  const ahead = prefetch + (options.atOnce ?? 1);
  const thread = new LoaderThread(options);
  return {
    stepsPerEpoch: steps,
    async *epoch(epoch, fromStep = 0, others = () => []) {
      const coming: Promise<Batch>[] = [];
      for (let step = fromStep, asked = fromStep; step < steps; step++) {
        for (; asked < Math.min(steps, step + 1 + ahead); asked++)
          coming.push(thread.request(epoch, asked, others(asked)));
        const batch = coming.shift();
        if (batch !== undefined) yield await batch;
      }
    },
    close: () => thread.close(),
  };
}

/** A loader of whole batches of training images, unaugmented by default, in an order drawn from the seed. */
export const trainingLoader = (
  dataset: LoaderOptions['dataset'],
  options: Pick<LoaderOptions, 'batch' | 'seed' | 'augment' | 'classSampling' | 'size' | 'scale' | 'stride'>,
): Loader => createLoader({ dataset, split: 'train', shuffle: true, dropLast: true, ...options });
