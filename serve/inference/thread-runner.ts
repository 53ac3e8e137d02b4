import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { builtModule } from '../../base/processes.js';
import { invalidInput, messageOf } from '../../base/errors.js';
import type { Model } from '../models/model.js';
import type { Outcome } from './engine.js';
import { type Order, type Report, Slab, slabLayout, type SlabLayout, type ThreadSetup } from './thread-protocol.js';
import { RunnerEnded, type Runner } from './runner.js';
import type { Input } from './pool.js';

/** A second batch hides the message between threads behind the first. */
const slots = 2;

interface Pending {
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Runs on its own thread, which receives inputs through shared memory. `onEnd` reports a thread that ends by an uncaught error
 * or `process.exit`. A crash in native code ends the whole process, as in every thread of Node.js, and so does `terminate`
 * while ONNX Runtime computes.
 *
 * @param images largest batch
 * @throws NasError `invalid-input` when a model cannot be opened
 */
export async function threadRunner(models: readonly Model[], images: number): Promise<Runner> {
  const thread = new InferenceThread(models, slabLayout(models, { slots, images }));
  await thread.opened;
  return thread;
}

class InferenceThread implements Runner {
  readonly slots = slots;
  readonly opened: Promise<void>;
  private readonly worker: Worker;
  private readonly slab: Slab;
  private readonly freeSlots = Array.from({ length: slots }, (_, i) => i);
  private readonly pending = new Map<number, Pending>();
  private isClosed = false;
  private reason: string | null = null;
  private onEnded: (reason: string) => void = () => undefined;

  constructor(models: readonly Model[], layout: SlabLayout) {
    this.slab = new Slab(layout);
    // Without the options of the node process: some, such as --eval, do not work for a thread that starts from a file.
    this.worker = new Worker(builtModule('serve/inference/thread.js'), {
      workerData: { models, slab: layout } satisfies ThreadSetup,
      execArgv: [],
      // Tensors are outside the heap; a small heap saves memory on small boards.
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    });
    this.opened = new Promise((resolve, reject) => {
      this.worker.on('message', (report: Report) => {
        if (report.kind === 'open') resolve();
        else if (report.kind === 'refused') reject(invalidInput(report.message));
        else this.settle(report);
      });
      this.worker.once('exit', () => reject(new RunnerEnded('an inference thread ended before it was ready', false)));
    });
    this.watch();
  }

  run(network: number, inputs: readonly Input[]): Promise<Outcome> {
    const slot = this.freeSlots.pop();
    if (slot === undefined) throw new Error(`an inference thread has more than ${slots} batches`);
    return new Promise((resolve, reject) => {
      this.pending.set(slot, { resolve, reject });
      this.slab.write(slot, inputs);
      this.send({ kind: 'run', slot, network, inputs: inputs.map(({ kind }) => kind) });
    });
  }

  onEnd(listener: (reason: string) => void): void {
    this.onEnded = listener;
    if (this.reason !== null) listener(this.reason);
  }

  async close(): Promise<void> {
    if (this.reason !== null) return;
    this.isClosed = true;
    // `terminate` while ONNX Runtime computes would end the whole process.
    this.send({ kind: 'close' });
    await once(this.worker, 'exit');
  }

  private send(order: Order): void {
    this.worker.postMessage(order);
  }

  private settle(report: Extract<Report, { readonly slot: number }>): void {
    const { slot } = report;
    const pending = this.pending.get(slot);
    this.pending.delete(slot);
    this.freeSlots.push(slot);
    if (report.kind === 'done') pending?.resolve(report);
    else pending?.reject(new Error(report.message));
  }

  private watch(): void {
    let error = '';
    this.worker.on('error', (thrown) => (error = `: ${messageOf(thrown)}`));
    this.worker.once('exit', (code) => {
      this.reason = `an inference thread ended (exit code ${code})${error}`;
      if (!this.isClosed) this.onEnded(this.reason);
      // The oldest batch was running.
      for (const [i, { reject }] of [...this.pending.values()].entries()) reject(new RunnerEnded(this.reason, i === 0));
      this.pending.clear();
    });
  }
}
