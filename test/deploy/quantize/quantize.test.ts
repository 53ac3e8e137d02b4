import { toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { executedBy, parseOnnx, runOnnx } from '../../../compiler/index.js';
import { calibrateRanges, prepareModel, quantizeForTiming, quantizeModel } from '../../../deploy/quantize/index.js';
import { modelOf, node } from '../../compiler/support/onnx-models.js';
import { inMemory } from './support/batches.js';

/** Inverted residual with hard swish and a gate, small enough to follow by hand. */
const file = modelOf({
  input: ['N', 2, 4, 4],
  metadata: { note: 'kept' },
  constants: {
    w1: [[4, 2, 1, 1], Float32Array.of(1, -1, 0.5, 0.5, -1, 2, 0, 0)],
    b1: [[4], Float32Array.of(0, 0.5, -0.5, 0.25)],
    w2: [[4, 1, 3, 3], Float32Array.from({ length: 36 }, (_, i) => ((i % 7) - 3) / 6)],
    w3: [[4, 4, 1, 1], Float32Array.from({ length: 16 }, (_, i) => ((i % 5) - 2) / 2)],
    w4: [[3, 4, 1, 1], Float32Array.from({ length: 12 }, (_, i) => ((i % 4) - 1.5) / 2)],
    b4: [[3], Float32Array.of(0.1, -0.2, 0.3)],
  },
  nodes: [
    node('Conv', 'x w1 b1', 'expanded'),
    node('HardSigmoid', 'expanded', 'gate', { alpha: { float: 1 / 6 }, beta: { float: 0.5 } }),
    node('Mul', 'expanded gate', 'swished'),
    node('Conv', 'swished w2', 'depthwise', { group: 4, pads: [1, 1, 1, 1] }),
    node('Relu', 'depthwise', 'rectified'),
    node('GlobalAveragePool', 'rectified', 'mean'),
    node('Conv', 'mean w3', 'squeezed'),
    node('HardSigmoid', 'squeezed', 'excited', { alpha: { float: 0.2 }, beta: { float: 0.5 } }),
    node('Mul', 'rectified excited', 'scaled'),
    node('Add', 'scaled swished', 'sum'),
    node('GlobalAveragePool', 'sum', 'pooled'),
    node('Conv', 'pooled w4 b4', 'scores'),
    node('Flatten', 'scores', 'y'),
  ],
});
const model = toBinary(ModelProtoSchema, file);
const shape = [8, 2, 4, 4];
const images = Float32Array.from({ length: 8 * 32 }, (_, i) => Math.sin(i * 1.7) * 2);

const batches = inMemory(
  { images: images.subarray(0, 128), shape: [4, 2, 4, 4] },
  { images: images.subarray(128), shape: [4, 2, 4, 4] },
);

const run = (bytes: Uint8Array, exactIntegers = true): Promise<Float32Array> =>
  runOnnx(bytes, 'the model', images, shape, { exactIntegers });

describe('a quantized classifier', () => {
  it('nearly agrees with the float model and computes only in integers, with weights of 7 and 8 bits', async () => {
    const prepared = prepareModel(model, 'the model');
    const { minmax, percentile } = await calibrateRanges(prepared, batches, { methods: ['minmax', 'percentile'] });
    const expected = await run(model);
    for (const ranges of [minmax, percentile])
      for (const weightBits of [7, 8] as const) {
        const quantized = quantizeModel(prepared, ranges, { weightBits });
        expect(quantized.floats).toEqual([]);
        const y = await run(quantized.model);
        const error = Math.max(...y.map((v, i) => Math.abs(v - expected[i])));
        expect(error).toBeLessThan(0.05 * Math.max(...expected.map(Math.abs)));
        expect(error).toBeGreaterThan(0);
      }
  });

  it('has the same bytes each time, keeps its metadata, and reads each QuantizeLinear once', async () => {
    const made = await Promise.all(
      [1, 2].map(async () => {
        const prepared = prepareModel(model, 'the model');
        const { minmax } = await calibrateRanges(prepared, batches, { methods: ['minmax'] });
        return quantizeModel(prepared, minmax, { weightBits: 8 }).model;
      }),
    );
    expect(Buffer.compare(made[0], made[1])).toBe(0);
    const { graph, metadataProps } = parseOnnx(made[0]);
    expect(metadataProps.map(({ key }) => key)).toEqual(['note', 'output_range']);
    expect(metadataProps[0].value).toBe('kept');
    const readers = (name: string) =>
      graph.node.filter(({ input }) => input.includes(name)).map(({ opType }) => opType);
    const quantizers = graph.node.filter(({ opType }) => opType === 'QuantizeLinear');
    expect(quantizers.length).toBeGreaterThan(8);
    for (const { output } of quantizers) expect(readers(output[0])).toEqual(['DequantizeLinear']);
    expect(graph.node.map(({ opType }) => opType)).not.toContain('HardSigmoid');
  });

  it('never saturates with weights of 7 bits', async () => {
    const prepared = prepareModel(model, 'the model');
    const { minmax } = await calibrateRanges(prepared, batches, { methods: ['minmax'] });
    const { model: bytes } = quantizeModel(prepared, minmax, { weightBits: 7 });
    expect(await run(bytes, false)).toEqual(await run(bytes, true));
  });

  it('sums its scores in float before a softmax', async () => {
    const ended = structuredClone(file);
    const flat = ended.graph.node.at(-1);
    if (flat !== undefined) flat.output = ['flat'];
    ended.graph.node.push(...modelOf({ nodes: [node('Softmax', 'flat', 'y')] }).graph.node);
    const { operators, products } = await executedBy(quantizeForTiming(toBinary(ModelProtoSchema, ended), 'the model'));
    expect(products.integer).toBe(products.all);
    expect(operators).toMatchObject({ QGemm: 1, Softmax: 1, QuantizeLinear: 1 });
    expect(operators).not.toHaveProperty('DequantizeLinear');
  });

  it('can be timed without images', async () => {
    const bytes = quantizeForTiming(model, 'the model');
    expect(Buffer.compare(bytes, quantizeForTiming(model, 'the model'))).toBe(0);
    expect((await run(bytes)).every(Number.isFinite)).toBe(true);
  });
});
