import { describe, expect, test } from 'vitest';
import { evaluateSplit } from '../../trainers/index.js';
import { tiniestStudent } from './support/networks.js';
import { auto, compiled, sharedWorkbench, tinyJob, complete } from './support/tiny-training.js';
import { evaluateModel } from './support/evaluate-model.js';
import { openedDataset } from '../support/tiny-dataset.js';

const bench = sharedWorkbench();

describe('evaluation', () => {
  test('agrees with what training said, on both engines', async () => {
    const result = await complete(tinyJob(bench, 'trained'));
    for (const engine of [compiled, auto]) {
      const evaluation = await evaluateModel({
        network: tiniestStudent,
        weights: result.weights,
        dataset: bench.dataset,
        split: 'validation',
        engine,
        threads: 1,
      });
      expect(evaluation.accuracy).toBeCloseTo(result.accuracy, 6);
      expect(evaluation.loss).toBeCloseTo(result.curve[1].validation_loss, 4);
    }
  });

  test('counts every image once with any batch size', async () => {
    const dataset = openedDataset(bench.dataset);
    const { labels, count } = dataset.split('test');
    const always3 = (_: Float32Array, size: number): Promise<Float32Array> =>
      Promise.resolve(Float32Array.from({ length: size * 10 }, (__, i) => (i % 10 === 3 ? 2 : 0)));
    for (const batch of [1, 7, 100]) {
      const result = await evaluateSplit(always3, dataset, 'test', batch);
      const right = labels.filter((label) => label === 3).length;
      expect(result.count).toBe(count);
      expect(result.accuracy).toBe(right / count);
      const logTotal = Math.log(Math.exp(2) + 9);
      expect(result.loss).toBeCloseTo((right * (logTotal - 2) + (count - right) * logTotal) / count, 10);
    }
  });
});
