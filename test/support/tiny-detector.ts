import { Random } from '../../base/random.js';
import { product } from '../../base/statistics.js';
import { outputShape, targetShape, type DetectionHead, type Network } from '../../spaces/index.js';
import type { EngineBatch } from '../../trainers/index.js';

const blocks: Network['blocks'] = [
  { kind: 'fused_mbconv', filters: 6, kernel: 3, stride: 2, act: 'relu', expand: 1, se: 0 },
  { kind: 'fused_mbconv', filters: 6, kernel: 3, stride: 1, act: 'relu', expand: 1, se: 0 },
  { kind: 'mbconv', filters: 8, kernel: 3, stride: 2, act: 'relu', expand: 2, se: 0 },
];

/** A detector whose maps have odd sides: 11 x 9 pixels at stride 1, 3 x 3 at stride 4, 2 x 2 at 8. */
export const tinyDetector = (head: Partial<DetectionHead> = {}, input: Network['input'] = [11, 9, 2]): Network => ({
  kind: 'network',
  input,
  classes: 2,
  stem: { filters: 4, kernel: 3, stride: 2, act: 'relu' },
  blocks: blocks.slice(0, head.deepest === 4 ? 2 : 3),
  head: { kind: 'detection', stride: 4, deepest: 8, width: 5, depth: 1, act: 'relu', ...head },
});

/** Noise with soft labels of cells, of which every fifth has none. */
export function segmentationBatch(network: Network, size: number, seed: number): EngineBatch {
  const random = new Random(seed, 'segmentation');
  const normal = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
  const labels = new Float32Array(size * product(targetShape(network)));
  for (let cell = 0; cell < labels.length / network.classes; cell++) {
    const share = random.uniform();
    if (cell % 5 > 0) labels.set([share, 0.9 - 0.9 * share], cell * network.classes);
  }
  return { images: normal(size * product(network.input)), labels, teacher: normal(labels.length) };
}

/** Noise with an object in the first cell of each image, an ignored cell after it, and background. */
export function detectionBatch(network: Network, size: number, seed: number): EngineBatch {
  const random = new Random(seed, 'detections');
  const cells = product(targetShape(network)) / 5;
  const labels = new Float32Array(size * cells * 5);
  for (let i = 0; i < size * cells; i++) {
    const isObject = i % cells === 0;
    const label = isObject ? random.int(network.classes) : i % cells === 1 ? -2 : -1;
    labels.set([label, ...(isObject ? [0.1, -0.2, 1 + random.uniform(), 1.5] : [0, 0, 0, 0])], i * 5);
  }
  const normal = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
  return {
    images: normal(size * product(network.input)),
    labels,
    teacher: normal(size * product(outputShape(network))),
  };
}
