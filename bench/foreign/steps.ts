import { Random } from '../../base/random.js';
import {
  compile,
  foreignNetwork,
  resolveTarget,
  targetWith,
  type ForeignNetwork,
  type HostTensor,
} from '../../compiler/index.js';
import { trainSchema } from '../../trainers/schema/recipe.js';
import { lossSchema } from '../../trainers/schema/loss.js';
import { createCompiledEngine } from '../../trainers/engines/compiled.js';
import { createNetworkProgram, type ProgramSpec } from '../../trainers/engines/network-program.js';
import { median } from '../../latency-models/statistics.js';
import type { Norms, PeerFile } from './peer-file.js';

const specOf = (network: ForeignNetwork, norms: Norms): ProgramSpec => ({
  network,
  frozenNorms: norms === 'frozen',
  seed: 1,
  loss: lossSchema.parse({ type: 'cross-entropy' }),
  optimizer: trainSchema.parse({ optimizer: { type: 'sgd', nesterov: false, weight_decay: 0 } }).optimizer,
  ema: 0,
});

const numbersOf = (value: HostTensor | undefined): Float32Array => {
  if (value?.data instanceof Float32Array) return value.data;
  throw new Error('the program gave no numbers');
};

/** The relative L2 distance of our gradients from PyTorch's, over all weights together. */
export async function gradientError(file: Uint8Array, peer: PeerFile, norms: Norms): Promise<number> {
  const network = foreignNetwork(file);
  const program = createNetworkProgram(specOf(network, norms));
  const [height, width, channels] = network.input;
  const names: string[] = [];
  const compiled = await compile(
    ({ images, labels }) => {
      const { grads, loss } = program.gradients({ images, labels });
      names.splice(0, names.length, ...grads.keys());
      return { loss, ...Object.fromEntries([...grads.values()].map((grad, i) => [`gradient${i}`, grad])) };
    },
    {
      images: { shape: [peer.count, height, width, channels] },
      labels: { shape: [peer.count, network.classes] },
    },
    { target: targetWith(null) },
  );
  const results = await compiled.run({ images: peer.images, labels: peer.labels });
  const shapes = new Map(network.weights.map(({ name, shape }) => [name, shape]));
  let [distance, length] = [0, 0];
  for (const [i, full] of names.entries()) {
    const name = full.replace(/^model\//, '');
    const own = numbersOf(results[`gradient${i}`]);
    const theirs = peer.gradient(norms, name, shapes.get(name) ?? []);
    if (theirs?.length !== own.length) throw new Error(`PyTorch has no gradient of ${name}`);
    for (const [j, value] of theirs.entries()) {
      distance += (own[j] - value) ** 2;
      length += value ** 2;
    }
  }
  await compiled.dispose();
  program.dispose();
  return Math.sqrt(distance / length);
}

/** The median time of a training step on one thread, in ms. */
export async function stepTime(
  file: Uint8Array,
  { batch, steps, warmup = 2 }: { readonly batch: number; readonly steps: number; readonly warmup?: number },
): Promise<number> {
  const network = foreignNetwork(file);
  const random = new Random(1, 'images');
  const [height, width, channels] = network.input;
  const images = Float32Array.from({ length: batch * height * width * channels }, () => random.normal());
  const labels = new Float32Array(batch * network.classes);
  for (let i = 0; i < batch; i++) labels[i * network.classes + (i % network.classes)] = 1;
  const engine = await createCompiledEngine(createNetworkProgram(specOf(network, 'followed')), {
    target: await resolveTarget({ threads: 1 }),
    batch,
  });
  const times: number[] = [];
  for (let step = 0; step < warmup + steps; step++) {
    const start = performance.now();
    await engine.train([{ batch: { images, labels, teacher: null }, learningRate: 1e-3 }], step);
    times.push(performance.now() - start);
  }
  await engine.dispose();
  return median(times.slice(warmup));
}
