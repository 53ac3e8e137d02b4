import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { encodeRead, openOnnx, readGraph } from '../../../compiler/index.js';
import { calibrateRanges } from '../../../deploy/quantize/calibrate.js';
import { planOf, scoresAsMatrix } from '../../../deploy/quantize/plan.js';
import { quantizeModel } from '../../../deploy/quantize/quantize.js';
import { errorBound, statistical, worst } from './support/error-bound.js';
import { graphOf, randomGraphs, type RandomGraph } from './support/random-graphs.js';
import { inMemory } from './support/batches.js';

async function outputs(model: Uint8Array, images: Float32Array, shape: readonly number[]): Promise<Float32Array> {
  const { run, close } = await openOnnx(model, 'the model', { exactIntegers: true });
  const result = await run(images, shape);
  await close();
  return result;
}

/** The largest error of the quantized outputs, its bounds, and the largest output. */
async function measured(drawn: RandomGraph, weightBits: 7 | 8) {
  const graph = scoresAsMatrix(readGraph(graphOf(drawn)));
  const prepared = { graph, plan: planOf(graph), where: 'the model' };
  const { channels, size, seed } = drawn;
  const random = new Random(seed);
  const shape = [4, channels, size, size];
  const images = Float32Array.from({ length: 4 * channels * size * size }, () => random.normal());
  const batches = inMemory({ images, shape });
  const { minmax } = await calibrateRanges(prepared, batches, { methods: ['minmax'] });
  const { model, floats } = quantizeModel(prepared, minmax, { weightBits });
  const expected = await outputs(encodeRead(graph), images, shape);
  const y = await outputs(model, images, shape);
  return {
    floats,
    bound: errorBound(graph, prepared.plan, minmax, weightBits, worst),
    deviation: errorBound(graph, prepared.plan, minmax, weightBits, statistical),
    error: Math.max(...y.map((v, i) => Math.abs(v - expected[i]))),
    most: Math.max(...expected.map(Math.abs)),
  };
}

describe('quantized graphs', () => {
  it('have errors within the worst-case bound of their scales, and compute only in integers', async () => {
    const property = fc.asyncProperty(randomGraphs, fc.constantFrom(7 as const, 8 as const), async (drawn, bits) => {
      const { floats, bound, deviation, error } = await measured(drawn, bits);
      expect(floats).toEqual([]);
      expect(error).toBeLessThanOrEqual(bound);
      // Standard deviation of independent roundings; no error of 700 graphs exceeded two deviations.
      expect(error).toBeLessThanOrEqual(4 * deviation);
    });
    await fc.assert(property, { numRuns: 20 });
  });

  it('have small errors, and bounds that are not trivial', async () => {
    const drawn: RandomGraph = { channels: 3, size: 6, steps: ['hardSwish', 'depthwise', 'relu', 'excite'], seed: 5 };
    const { deviation, error, most } = await measured(drawn, 8);
    expect(error).toBeLessThan(0.03 * most);
    expect(4 * deviation).toBeLessThan(most);
  });
});
