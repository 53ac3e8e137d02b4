import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { toStorage } from '../../compiler/index.js';

const factsSchema = z.object({
  labels: z.array(z.number()),
  own: z.object({ frozen: z.number(), followed: z.number() }),
  tensors: z.record(z.string(), z.object({ shape: z.array(z.number()), offset: z.number() })),
});

/** How batch norms are computed: by their moving statistics, or by the batch's, which the moving ones follow. */
export type Norms = 'frozen' | 'followed';

/** What PyTorch wrote about a network and one batch. */
export interface PeerFile {
  readonly count: number;
  /** [count, height, width, 3]. */
  readonly images: Float32Array;
  /** One-hot [count, 1000]. */
  readonly labels: Float32Array;
  /** The relative L2 distance of PyTorch's gradients in float32 from those in float64. */
  readonly own: { readonly [N in Norms]: number };
  /** The gradient of a weight in our layout, which has this shape; undefined where PyTorch has none of the name. */
  gradient(norms: Norms, name: string, shape: readonly number[]): Float32Array | undefined;
}

/** A PyTorch tensor in the layout of a weight of ours. */
function inOurLayout(data: Float32Array, shape: readonly number[], ours: readonly number[]): Float32Array {
  if (shape.length === 2) return toStorage(data, shape, [1, 0]);
  if (shape.length !== 4) return data;
  const [outputs, inputs, height, width] = shape;
  const isDepthwise = inputs === 1 && ours[2] !== 1;
  return isDepthwise
    ? toStorage(data, [ours[2], outputs / ours[2], height, width], [2, 3, 0, 1])
    : toStorage(data, shape, [2, 3, 1, 0]);
}

/** @param base path without `.json` and `.bin` */
export function openPeerFile(base: string): PeerFile {
  const { labels, own, tensors } = factsSchema.parse(JSON.parse(readFileSync(`${base}.json`, 'utf8')));
  const bytes = readFileSync(`${base}.bin`);
  const numbers = (name: string): { readonly shape: readonly number[]; readonly data: Float32Array } | undefined => {
    const found = tensors[name] as (typeof tensors)[string] | undefined;
    if (found === undefined) return undefined;
    const size = found.shape.reduce((a, b) => a * b, 1);
    const copy = Uint8Array.from(bytes.subarray(4 * found.offset, 4 * (found.offset + size)));
    return { shape: found.shape, data: new Float32Array(copy.buffer) };
  };
  const hot = new Float32Array(labels.length * 1000);
  for (const [i, label] of labels.entries()) hot[i * 1000 + label] = 1;
  return {
    count: labels.length,
    images: numbers('images')?.data ?? new Float32Array(),
    labels: hot,
    own,
    gradient(norms, name, ours) {
      const found = numbers(`${norms}/${name}`);
      return found && inOurLayout(found.data, found.shape, ours);
    },
  };
}
