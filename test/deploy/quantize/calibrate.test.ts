import { describe, expect, it } from 'vitest';
import { NasError } from '../../../base/errors.js';
import { calibrateRanges, type RangeOptions } from '../../../deploy/quantize/calibrate.js';
import { planOf } from '../../../deploy/quantize/plan.js';
import type { PreparedModel } from '../../../deploy/quantize/quantize.js';
import { graphFrom, node } from '../../compiler/support/onnx-models.js';
import { inMemory } from './support/batches.js';

/** y = relu(2 x - 1), for images of one channel. */
const graph = graphFrom({
  input: ['N', 1, 2, 2],
  constants: { w: [[1, 1, 1, 1], Float32Array.of(2)], b: [[1], Float32Array.of(-1)] },
  nodes: [node('Conv', 'x w b', 'c'), node('Relu', 'c', 'r'), node('Add', 'r r', 'y')],
});
const prepared: PreparedModel = { graph, plan: planOf(graph), where: "'tiny.onnx'" };

/** Images of four pixels, in batches. */
function calibrated(
  batches: readonly (readonly number[])[],
  options: Partial<RangeOptions> = {},
  shape: readonly number[] = [1, 2, 2],
) {
  const methods = ['minmax', 'percentile'] as const;
  const all = inMemory(
    ...batches.map((values) => ({ images: Float32Array.from(values), shape: [values.length / 4, ...shape] })),
  );
  return calibrateRanges(prepared, all, { methods, ...options });
}

const failing = async (failed: Promise<unknown>): Promise<NasError> => {
  const error: unknown = await failed.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof NasError)) throw new Error('it did not fail as expected', { cause: error });
  return error;
};

describe('calibration', () => {
  it('finds ranges of the planned tensors only', async () => {
    const { minmax } = await calibrated([
      [0, 1, 2, 3],
      [-1, 0, 4, 1],
    ]);
    expect(minmax.range('x')).toEqual([-1, 4]);
    expect(minmax.range('r')).toEqual([0, 7]);
    expect(minmax.range('y')).toEqual([0, 14]);
    expect(() => minmax.range('c')).toThrow('c');
  });

  it('cuts outliers of activations, but never of images', async () => {
    // 4000 values with one outlier.
    const values = Array.from({ length: 4000 }, (_, i) => (i === 1234 ? 100 : (i % 100) / 100));
    const { minmax, percentile } = await calibrated([values], { percentile: 99.9 });
    expect(minmax.range('x')[1]).toBe(100);
    expect(percentile.range('x')[1]).toBe(100);
    expect(minmax.range('r')[1]).toBe(199);
    expect(percentile.range('r')[0]).toBe(0);
    expect(percentile.range('r')[1]).toBeLessThan(1.2);
  });

  it('finds the same ranges for any batches, and only for the requested methods', async () => {
    const values = Array.from({ length: 64 }, (_, i) => Math.sin(i));
    const whole = await calibrated([values], { methods: ['percentile'], percentile: 90 });
    const parts = await calibrated([values.slice(0, 8), values.slice(8)], { methods: ['percentile'], percentile: 90 });
    expect(Object.keys(whole)).toEqual(['percentile']);
    for (const name of ['x', 'r', 'y']) expect(whole.percentile.range(name)).toEqual(parts.percentile.range(name));
  });

  it('does not count padding images of a batch', async () => {
    const values = Array.from({ length: 40 }, (_, i) => Math.sin(i));
    const last = values.slice(-4);
    const options = { methods: ['percentile'], percentile: 80 } as const;
    const alone = await calibrated([values], options);
    const images = Float32Array.from([...values, ...last, ...last, ...last, ...last, ...last]);
    const done: number[] = [];
    const filled = inMemory({ images, shape: [15, 1, 2, 2], count: 10 });
    const ranges = await calibrateRanges(prepared, filled, { ...options, onProgress: (count) => done.push(count) });
    for (const name of ['x', 'r', 'y']) expect(ranges.percentile.range(name)).toEqual(alone.percentile.range(name));
    expect(done).toEqual([10]);
  });

  it('reports its progress in images', async () => {
    const done: number[] = [];
    await calibrated([new Array<number>(12).fill(1), new Array<number>(4).fill(1)], {
      onProgress: (count) => done.push(count),
    });
    expect(done).toEqual([3, 4]);
  });

  it('names the layer whose values are not finite', async () => {
    const error = await failing(calibrated([[3e38, 0, 0, 0]]));
    expect(error.code).toBe('invalid-input');
    expect(error.message).toBe("'tiny.onnx' cannot be calibrated: Relu 'the r' gives numbers that are not finite");
    expect((await failing(calibrated([[NaN, 0, 0, 0]]))).message).toBe(
      'calibration images hold numbers that are not finite',
    );
  });

  it('refuses missing images, images of another size, and percentiles that cut all values', async () => {
    expect((await failing(calibrated([]))).message).toBe("there are no images to calibrate 'tiny.onnx' on");
    const size = await failing(calibrated([[1, 2, 3, 4]], {}, [1, 4, 1]));
    expect(size.message).toContain("'tiny.onnx' failed on images [1, 1, 4, 1]");
    expect((await failing(calibrated([[1, 2, 3, 4]], { percentile: 40 }))).message).toBe('the percentile is 40');
  });

  it('ends when its signal is aborted', async () => {
    const stopped = new AbortController();
    const images = [1, 2, 3, 4];
    const ended = calibrated([images, images, images], {
      signal: stopped.signal,
      onProgress: () => stopped.abort(),
    });
    expect((await failing(ended)).code).toBe('interrupted');
  });
});
