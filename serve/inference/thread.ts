/** Entry of an inference thread: opens the networks, then computes the batches that it is told of, one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../base/errors.js';
import { Engine } from './engine.js';
import type { Job, Report, ThreadSetup } from './messages.js';
import { Slab } from './slab.js';

async function compute(engine: Engine, slab: Slab, { slot, network, kinds }: Job): Promise<Report> {
  try {
    const { outputs, ms } = await engine.run(network, slab.read(slot, network, kinds));
    return { kind: 'done', slot, outputs, ms };
  } catch (error) {
    return { kind: 'failed', slot, message: messageOf(error) };
  }
}

if (parentPort !== null) {
  const port = parentPort;
  const report = (message: Report, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
  const setup = workerData as ThreadSetup; // given by threadRunner, the only one to start this file
  try {
    const engine = await Engine.open(setup.models, setup.size);
    const slab = new Slab(setup.slab);
    let last = Promise.resolve();
    port.on('message', (job: Job) => {
      last = last.then(async () => {
        const done = await compute(engine, slab, job);
        report(done, done.kind === 'done' ? [done.outputs.buffer as ArrayBuffer] : []);
      });
    });
    report({ kind: 'open' });
  } catch (error) {
    report({ kind: 'refused', message: messageOf(error) });
  }
}
