import { Random } from '../../../../base/random.js';
import {
  encodeRead,
  histogram,
  inputsOf,
  openOnnx,
  readGraph,
  type OnnxFile,
  type OnnxGraph,
} from '../../../../compiler/index.js';
import { prepare } from '../../../../deploy/quantize/prepare/index.js';
import type { Network } from '../../../../spaces/index.js';
import { initialWeights, type Model } from '../../../../spaces/models/index.js';

/** All weights away from what they start as, batch norm's statistics too. */
export function shaken(network: Network): Model {
  const random = new Random(1, 'shaken');
  const weights = [...initialWeights(network, 1)].map(([name, { shape, data }]) => {
    const moved = data.map((value) => (Math.abs(value) + 0.1 * random.uniform()) * Math.sign(value + 1e-9));
    return [name, { shape, data: moved }] as const;
  });
  return { network, weights: new Map(weights) };
}

/** Random numbers around 0, as normalised images have them. */
export function noise(size: number, seed = 1): Float32Array {
  const random = new Random(seed, 'noise');
  return Float32Array.from({ length: size }, () => 4 * random.uniform() - 2);
}

async function outputs(graph: OnnxGraph, images: Float32Array, shape: readonly number[]): Promise<Float32Array> {
  const open = await openOnnx(encodeRead(graph), 'the model');
  const values = await open.run(images, shape);
  await open.close();
  return values;
}

/** How often each operator is in a graph, by name. */
const operatorCounts = (graph: OnnxGraph): Record<string, number> =>
  Object.fromEntries(Object.entries(histogram(graph)).sort(([a], [b]) => a.localeCompare(b)));

export interface Prepared {
  readonly graph: OnnxGraph;
  readonly operators: Readonly<Record<string, number>>;
  /** The largest difference from what the model computed before, relative to the largest output. */
  readonly difference: number;
}

/** Prepares a model, and runs it before and after on two random images (one where its batch is fixed at that). */
export async function preparing(file: OnnxFile): Promise<Prepared> {
  const prepared = prepare(file, 'the model');
  const [batch, ...extents] = inputsOf(file)[0].shape;
  const shape = [typeof batch === 'number' ? batch : 2, ...extents.map(Number)];
  const images = noise(shape.reduce((a, b) => a * b, 1));
  const before = await outputs(readGraph(file), images, shape);
  const after = await outputs(prepared, images, shape);
  const largest = before.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const difference = before.reduce((most, value, i) => Math.max(most, Math.abs(value - after[i])), 0);
  if (after.length !== before.length) throw new Error(`${after.length} outputs, not ${before.length}`);
  return {
    graph: prepared,
    operators: operatorCounts(prepared),
    difference: difference === 0 ? 0 : difference / largest,
  };
}
