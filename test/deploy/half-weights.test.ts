import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, TensorProto_DataType } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { createSession, profileModel } from '../../compiler/index.js';
import { exportOnnx, halveWeights, readMetadata } from '../../deploy/index.js';
import type { Network } from '../../spaces/index.js';
import { initialWeights } from '../../spaces/models/index.js';
import { randomFeeds } from '../../latency-models/devices/onnx-model.js';
import { metadataFor } from './support/classifiers.js';
import { tinyClassifier } from './tiny-onnx.js';

const network: Network = {
  kind: 'network',
  input: [16, 16, 3],
  classes: 10,
  stem: { filters: 16, kernel: 3, stride: 2, act: 'hard_swish' },
  blocks: [
    { kind: 'mbconv', filters: 16, expand: 4, kernel: 5, stride: 1, se: 0.25, act: 'hard_swish' },
    { kind: 'fused_mbconv', filters: 24, expand: 4, kernel: 3, stride: 2, se: 0, act: 'swish' },
    { kind: 'basic', filters: 32, kernel: 3, stride: 1, act: 'relu6' },
  ],
  head: { filters: 64, act: 'relu', hidden: 32, dropout: 0 },
};

const metadata = metadataFor(
  network.input,
  Array.from({ length: 10 }, (_, i) => `class ${i}`),
);
const model = exportOnnx({ network, weights: initialWeights(network, 1) }, metadata);
const halved = halveWeights(model, 'the model');

/** Number of runs by operator. */
async function executed(bytes: Uint8Array): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const use = async (session: Awaited<ReturnType<typeof createSession>>): Promise<void> => {
    await session.run(randomFeeds(session, 1));
  };
  const { nodes } = await profileModel(bytes, {}, use, 0);
  for (const { operator } of nodes) counts[operator] = (counts[operator] ?? 0) + 1;
  return counts;
}

describe('halveWeights', () => {
  it('halves the file and keeps its metadata', () => {
    expect(halved.byteLength / model.byteLength).toBeLessThan(0.6);
    expect(readMetadata(halved)).toEqual(metadata);
    expect(halveWeights(model, 'the model')).toEqual(halved);
  });

  it('runs the same operators as the float32 file', async () => {
    const before = await executed(model);
    expect(before).not.toHaveProperty('Cast');
    expect(Object.values(before).reduce((a, b) => a + b, 0)).toBeGreaterThan(15);
    expect(await executed(halved)).toEqual(before);
  });

  it('keeps weights that a caller may provide, and avoids names that are taken', () => {
    const file = fromBinary(
      ModelProtoSchema,
      tinyClassifier({
        input: ['N', 12],
        features: 12,
        classes: 3,
        weights: new Float32Array(36).fill(0.1),
        repeats: 2,
      }),
    );
    const { graph } = file;
    if (graph === undefined) throw new Error('no graph');
    graph.input.push({ ...graph.input[0], name: 'weights0' });
    graph.node[0].name = 'weights1/Cast';
    const after = fromBinary(ModelProtoSchema, halveWeights(toBinary(ModelProtoSchema, file), 'the model')).graph;
    expect(after?.initializer.map(({ name, dataType }) => [name, TensorProto_DataType[dataType]])).toEqual([
      ['weights0', 'FLOAT'],
      ['weights1/half', 'FLOAT16'],
    ]);
    expect(after?.node.slice(0, 2).map(({ name }) => name)).toEqual(['weights1/Cast_2', 'weights1/Cast']);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['halved weights', halved, /the model: the weights cannot be stored in 16 bits, .* is float16 already/],
    [
      'weights beyond the range of float16',
      tinyClassifier({ input: ['N', 12], features: 12, classes: 3, weights: new Float32Array(36).fill(7e4) }),
      /weights0 holds 70000, which is beyond/,
    ],
    [
      'a model without kernels',
      toBinary(ModelProtoSchema, create(ModelProtoSchema, { graph: { name: 'empty' } })),
      /no kernels/,
    ],
    ['bytes that are no model', new TextEncoder().encode('not a model'), /not an ONNX model/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => halveWeights(bytes, 'the model')).toThrow(message);
    expect(() => halveWeights(bytes, 'the model')).toThrow(expect.objectContaining({ code: 'invalid-input' }));
  });
});
