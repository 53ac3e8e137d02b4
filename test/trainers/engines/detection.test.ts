import { describe, expect, test } from 'vitest';
import { detectionOf, mapTaskOf, type Network } from '../../../spaces/index.js';
import { nativeLibrary } from '../../../compiler/native/index.js';
import { createEngine, engineSchema, type TrainingEngine } from '../../../trainers/index.js';
import { lossSchema } from '../../../trainers/schema/loss.js';
import { detectionBatch, segmentationBatch, tinyDetector } from '../../support/tiny-detector.js';
import { openEager } from '../support/eager.js';
import { update } from '../support/networks.js';
import { batch, muon, specOf, threads } from './contract.js';

const taskOf = (network: Network) => {
  const head = detectionOf(network);
  return head === null ? 'classification' : mapTaskOf(head);
};
const batchFor = (network: Network, ...of: [size: number, seed: number]) =>
  (taskOf(network) === 'segmentation' ? segmentationBatch : detectionBatch)(network, ...of);

const spec = (loss: 'cross-entropy' | 'kd' = 'cross-entropy', network = tinyDetector()) =>
  specOf({
    optimizer: muon,
    network,
    loss: {
      ...lossSchema.parse({ type: loss }),
      task: taskOf(network),
    },
  });

const open = (type: 'compiled' | 'native', ...of: Parameters<typeof spec>) =>
  createEngine(engineSchema.parse({ type }), spec(...of), { threads, batch });

/** Expects the losses of both in four steps, and the outputs of both for a state of the first, to differ by rounding alone. */
async function expectAlike(
  a: TrainingEngine,
  b: Pick<TrainingEngine, 'train' | 'load' | 'evaluate'>,
  network: Network,
): Promise<void> {
  for (let step = 0; step < 4; step++) {
    const own = batchFor(network, batch, step);
    const [actual, expected] = [await update(a, own, 0.05, step), await update(b, own, 0.05, step)];
    expect(Math.abs(actual.loss / expected.loss - 1)).toBeLessThan(1e-4);
    expect(actual.correct).toBe(expected.correct);
  }
  await b.load(await a.state());
  const { images } = batchFor(network, 7, 9);
  const [actual, expected] = [await a.evaluate(images, 7), await b.evaluate(images, 7)];
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => expect(Math.abs(value - expected[i])).toBeLessThan(1e-4 * Math.max(1, Math.abs(value))));
}

describe('detectors', () => {
  test('train to the same losses compiled and by TF.js itself, and give the same outputs', async () => {
    const [a, b] = [await open('compiled'), await openEager(spec())];
    await expectAlike(a, b, tinyDetector());
    expect(await a.evaluate(detectionBatch(tinyDetector(), 3, 9).images, 3)).toHaveLength(3 * 3 * 3 * 6);
    await Promise.all([a.dispose(), b.dispose()]);
  });

  // A teacher changes the compiled tail of the native engine only.
  test.skipIf('reason' in nativeLibrary()).each([
    ['boxes, taught by maps', 'kd', tinyDetector()],
    ['centroids', 'cross-entropy', tinyDetector({ centroids: true })],
    ['masks, taught by maps', 'kd', tinyDetector({ segmentation: true, se: 0.5 })],
  ] as const)('of %s train natively to the same losses', async (_, loss, network) => {
    const [a, b] = [await open('native', loss, network), await open('compiled', loss, network)];
    expect([a.kind, a.instead]).toEqual(['native', undefined]);
    await expectAlike(a, b, network);
    await Promise.all([a.dispose(), b.dispose()]);
  });
});
