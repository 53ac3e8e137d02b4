/** Entry of an inference thread: opens the networks, then computes the batches that it is told of, one after the other. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { messageOf } from '../../base/errors.js';
import { Engine } from './engine.js';
import type { Order, Report, ThreadSetup } from './messages.js';
import { Slab } from './slab.js';

type RunOrder = Extract<Order, { readonly kind: 'run' }>;

async function compute(engine: Engine, slab: Slab, { slot, network, inputs }: RunOrder): Promise<Report> {
  try {
    const { outputs, ms } = await engine.run(network, slab.read(slot, network, inputs));
    return { kind: 'done', slot, outputs, ms };
  } catch (error) {
    return { kind: 'failed', slot, message: messageOf(error) };
  }
}

async function serve(port: MessagePort, { models, size, slab: layout }: ThreadSetup): Promise<void> {
  const engine = await Engine.open(models, size);
  const slab = new Slab(layout);
  const run = async (order: RunOrder): Promise<void> => {
    const report = await compute(engine, slab, order);
    // The outputs are a buffer of their own, which ONNX Runtime made for them.
    port.postMessage(report, report.kind === 'done' ? [report.outputs.buffer as ArrayBuffer] : []);
  };
  const close = async (): Promise<void> => {
    await engine.close();
    port.close();
  };
  let last = Promise.resolve();
  port.on('message', (order: Order) => {
    const task = order.kind === 'close' ? close : () => run(order);
    last = last.then(task);
  });
  port.postMessage({ kind: 'open' } satisfies Report);
}

if (parentPort !== null) {
  const port = parentPort;
  // Given by threadRunner, the only one to start this file.
  await serve(port, workerData as ThreadSetup).catch((error: unknown) => {
    port.postMessage({ kind: 'refused', message: messageOf(error) } satisfies Report);
  });
}
