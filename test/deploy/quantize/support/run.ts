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
import { product } from '../../../../base/statistics.js';

/** Random numbers around 0, like normalised images. */
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

/** Number of nodes by operator, sorted by name. */
const operatorCounts = (graph: OnnxGraph): Record<string, number> =>
  Object.fromEntries(Object.entries(histogram(graph)).sort(([a], [b]) => a.localeCompare(b)));

export interface Prepared {
  readonly graph: OnnxGraph;
  readonly operators: Readonly<Record<string, number>>;
  /** The largest difference from the original outputs, relative to the largest output. */
  readonly difference: number;
}

/** Prepares a model, and runs it before and after on two random images (or on its fixed batch). */
export async function preparing(file: OnnxFile): Promise<Prepared> {
  const prepared = prepare(file, 'the model');
  const [batch, ...extents] = inputsOf(file)[0].shape;
  const shape = [typeof batch === 'number' ? batch : 2, ...extents.map(Number)];
  const images = noise(product(shape));
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
