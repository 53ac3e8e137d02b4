/** Entry of an inference thread: opens the networks, then computes one batch after the other. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { messageOf } from '../../base/errors.js';
import { Engine } from './engine.js';
import { type Order, type Report, Slab, type ThreadSetup } from './thread-protocol.js';

type RunOrder = Extract<Order, { readonly kind: 'run' }>;

async function compute(engine: Engine, slab: Slab, { slot, network, inputs }: RunOrder): Promise<Report> {
  try {
    const { outputs, ms } = await engine.run(network, slab.read(slot, network, inputs));
    return { kind: 'done', slot, outputs, ms };
  } catch (error) {
    return { kind: 'failed', slot, message: messageOf(error) };
  }
}

async function serve(port: MessagePort, { models, slab: layout }: ThreadSetup): Promise<void> {
  const engine = await Engine.open(models);
  const slab = new Slab(layout);
  const run = async (order: RunOrder): Promise<void> => {
    const report = await compute(engine, slab, order);
    // ONNX Runtime allocates a buffer for the outputs alone, so it can be transferred.
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
  // threadRunner alone starts this file.
  await serve(port, workerData as ThreadSetup).catch((error: unknown) => {
    port.postMessage({ kind: 'refused', message: messageOf(error) } satisfies Report);
  });
}
