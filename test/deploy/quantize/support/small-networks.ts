import { Random } from '../../../../base/random.js';
import { executedBy, openOnnx } from '../../../../compiler/index.js';
import { calibrateRanges, prepareModel, quantizeModel } from '../../../../deploy/quantize/index.js';
import { costs, createSpace, sampleGenotype, spaceSchema, type Network, type Task } from '../../../../spaces/index.js';
import { initialWeights, toOnnx } from '../../../../spaces/models/index.js';
import { inMemory } from './batches.js';
import { product } from '../../../../base/statistics.js';

/** The network with the fewest parameters of some random networks. */
export async function smallNetwork(config: unknown, task: Task): Promise<Network> {
  const space = await createSpace(spaceSchema.parse(config), task);
  const random = new Random(3, JSON.stringify(config));
  const networks = Array.from({ length: 20 }, () => space.build(sampleGenotype(space, random)));
  return networks.reduce((a, b) => (costs(b).params < costs(a).params ? b : a));
}

/** Quantizes on noise; returns executed operators, float operators, and the error of the scores. */
export async function quantized(network: Network) {
  const model = toOnnx({ network, weights: initialWeights(network, 1) });
  const shape = [8, ...network.input];
  const random = new Random(5);
  const images = Float32Array.from({ length: product(shape) }, () => random.normal());
  const prepared = prepareModel(model, 'the network');
  const batches = inMemory({ images, shape });
  const { minmax } = await calibrateRanges(prepared, batches, { methods: ['minmax'] });
  const { model: bytes, floats } = quantizeModel(prepared, minmax, { weightBits: 8 });
  const { operators } = await executedBy(bytes);
  const [expected, y] = await Promise.all(
    [model, bytes].map(async (one) => {
      const { run, close } = await openOnnx(one, 'the network', { exactIntegers: true });
      const result = await run(images, shape);
      await close();
      return result;
    }),
  );
  const error = Math.max(...y.map((v, i) => Math.abs(v - expected[i]))) / Math.max(...expected.map(Math.abs));
  return { operators, floats, error };
}

/** Operators that every network runs: images are quantized and transposed once, and scores are floats. */
export const around = { QuantizeLinear: 1, Transpose: 1, Flatten: 1, QGemm: 1 };
