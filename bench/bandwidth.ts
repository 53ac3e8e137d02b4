// Memory bandwidth: how fast consecutive operators pass over tensors of several sizes, and how many bytes the operators of
// a training step read and write in total.
// Method: a chain of scale-and-add operators, each consuming the previous result; the fastest of 20 runs.
import Table from 'cli-table3';
import { Tensor } from 'onnxruntime-node';
import { resolve, join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { blockedSupport, createSession, targetWith, type Graph } from '../compiler/index.js';
import { GraphBuilder, int, ints, shapeIn, sizeOf } from '../compiler/graph/index.js';
import { encodeModel } from '../compiler/onnx/model.js';
import { activateBackend } from '../trainers/engines/index.js';
import { CompiledTraining } from '../trainers/engines/compiled.js';
import { createNetworkProgram } from '../trainers/engines/network-program.js';
import { readTimedNetworks, type TimedNetwork } from './train/timing.js';
import { specOf } from './train/time-step.js';
import { peersDirectory } from './train/launch.js';

const options = await yargs(hideBin(process.argv))
  .scriptName('npm run bench:bandwidth --')
  .usage('$0 [options]')
  .options({
    networks: { type: 'string', describe: 'networks file; by default networks.json beside the PyTorch peer' },
    threads: { type: 'number', default: 1 },
  })
  .strict()
  .parseAsync();

const block = await blockedSupport();
if (block === null) throw new Error('ONNX Runtime has no blocked layout on this machine');
const channels = 256;

/** GB/s that a chain of scale-and-add operators reads and writes on tensors of `bytes` bytes. */
async function bandwidth(bytes: number): Promise<number> {
  const shape = [1, channels, 1, Math.round(bytes / 4 / channels)];
  const links = Math.min(64, Math.max(4, Math.round(2 ** 26 / bytes)));
  const builder = new GraphBuilder(targetWith(block));
  const [scale, offset] = [
    builder.input('scale', [channels, 1, 1, 1], 'float32'),
    builder.input('offset', [channels], 'float32'),
  ];
  let value = builder.input('x', shape, 'float32');
  const attributes = { kernel_shape: ints([1, 1]), group: int(channels) };
  for (let i = 0; i < links; i++) value = builder.emit('nchwc.Conv', [value, scale, offset], attributes);
  builder.output('y', builder.emit('nchwc.GlobalAveragePool', [value]));
  const session = await createSession(encodeModel(builder.finish(), { name: 'passes' }), { threads: options.threads });
  const ones = (dims: number[]): Tensor =>
    new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(1), dims);
  const feeds = { x: ones(shape), scale: ones([channels, 1, 1, 1]), offset: ones([channels]) };
  let best = Infinity;
  for (let run = 0; run < 20; run++) {
    const start = performance.now();
    await session.run(feeds);
    best = Math.min(best, performance.now() - start);
  }
  await session.release();
  return (2 * links * bytes) / best / 1e6;
}

/** Bytes of all operands and results; a Reshape moves nothing. */
function traffic(graph: Graph): number {
  const bytes = (name: string): number => (graph.types.has(name) ? 4 * sizeOf(shapeIn(graph, name)) : 0);
  return graph.nodes
    .filter(({ op }) => op !== 'Reshape')
    .flatMap(({ inputs, outputs }) => [...new Set([...inputs, ...outputs])])
    .reduce((sum, name) => sum + bytes(name), 0);
}

async function graphOf(timed: TimedNetwork): Promise<Graph> {
  const training = new CompiledTraining(createNetworkProgram(specOf(timed)), {
    target: targetWith(block),
    batch: timed.batch,
  });
  const step = await training.compileStep();
  await step.dispose();
  return step.graph;
}

const speeds = new Table({ head: ['tensor', 'GB/s'], style: { head: [], border: [] } });
let slowest = Infinity;
for (const megabytes of [0.5, 2, 8, 16, 32, 64]) {
  const speed = await bandwidth(megabytes * 2 ** 20);
  slowest = Math.min(slowest, speed);
  speeds.push([`${megabytes} MiB`, speed.toFixed(0)]);
}
console.log(`Bytes read and written per second by consecutive passes, threads: ${options.threads}`);
console.log(speeds.toString());

await activateBackend();
const steps = new Table({
  head: ['network', 'MB a step', `ms at ${slowest.toFixed(0)} GB/s`],
  style: { head: [], border: [] },
});
for (const timed of readTimedNetworks(resolve(options.networks ?? join(peersDirectory(), 'networks.json')))) {
  const bytes = traffic(await graphOf(timed));
  steps.push([timed.name, (bytes / 1e6).toFixed(0), (bytes / slowest / 1e6).toFixed(1)]);
}
console.log(
  'Bytes that the operators of a training step read and write, and the time to transfer them from main memory',
);
console.log(steps.toString());
