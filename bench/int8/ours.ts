import {
  calibrateRanges,
  prepareModel,
  quantizeModel,
  type QuantizedModel,
  type WeightBits,
} from '../../deploy/index.js';
import type { Images } from './peer.js';

/** A model quantized by us, minmax over the given images, with weights of each number of bits. */
export async function quantizeOurs<B extends WeightBits>(
  model: Uint8Array,
  images: Images,
  bits: readonly B[],
): Promise<Readonly<Record<B, QuantizedModel>>> {
  const prepared = prepareModel(model, 'the model');
  const methods = ['minmax'] as const;
  const ranges = await calibrateRanges(prepared, () => batchesOf(images), { methods, percentile: 99.99, threads: 1 });
  const quantized = bits.map((weightBits) => [weightBits, quantizeModel(prepared, ranges.minmax, { weightBits })]);
  // Keys are exactly `bits`.
  return Object.fromEntries(quantized) as Record<B, QuantizedModel>;
}

/** Parts of at most this many images: all tensors of a part are in memory at once. */
const part = 32;

async function* batchesOf({ values, shape }: Images): AsyncGenerator<{ images: Float32Array; shape: number[] }> {
  const [count, ...image] = shape;
  const size = image.reduce((a, b) => a * b, 1);
  for (let start = 0; start < count; start += part) {
    const end = Math.min(count, start + part);
    yield await Promise.resolve({ images: values.slice(start * size, end * size), shape: [end - start, ...image] });
  }
}
