import { fromBinary } from '@bufbuild/protobuf';
import * as tf from '@tensorflow/tfjs-core';
import { ModelProtoSchema, type ModelProto } from 'onnx-buf';
import { afterEach, describe, expect, it } from 'vitest';
import { createSession, exportModel } from '../../compiler/index.js';
import { layerCases } from './cases/layers.js';
import { expectSamePredictions } from './support/exported.js';
import { modelOf } from './support/models.js';
import { buildNetwork, smallNetworks } from './support/networks.js';

afterEach(() => tf.disposeVariables());

const parse = (bytes: Uint8Array): ModelProto => fromBinary(ModelProtoSchema, bytes);

const network = smallNetworks['gated, two blocks'];
/** One of each kind; export.slow.test.ts has the others. */
const someLayers: ReadonlySet<string> = new Set([
  ...['conv2d same', 'depthwiseConv2d strided valid', 'conv2dTranspose same', 'averagePooling2d overlapping'],
  ...['batchNormalization of images', 'layerNormalization', 'flatten', 'upSampling2d bilinear', 'dense', 'prelu'],
  'softmax',
]);

describe('exported models', () => {
  it.each(Object.entries(smallNetworks))('predict as TF.js does at batches of 1, 4 and 6: %s', (name, small) =>
    expectSamePredictions(buildNetwork({ ...small, dropout: 0.2 }, name), [1, 4, 6]),
  );

  it.each(layerCases.filter(({ name }) => someLayers.has(name)))('hold a layer at any batch: $name', (layer) =>
    expectSamePredictions(modelOf(layer), [1, 3]),
  );

  it('have the inputs and outputs, names and shapes of the options', async () => {
    const model = buildNetwork(network, 'names');
    const { graph } = parse(
      exportModel(model, { name: 'student', inputName: 'image', outputName: 'scores', batch: 2 }),
    );
    expect(graph?.name).toBe('student');
    const shapes = [...(graph?.input ?? []), ...(graph?.output ?? [])].map(({ name, type }) => [
      name,
      type?.value.case === 'tensorType' && type.value.value.shape?.dim.map(({ value }) => Number(value.value)),
    ]);
    expect(shapes).toEqual([
      ['image', [2, network.size, network.size, 3]],
      ['scores', [2, network.classes]],
    ]);
    const session = await createSession(exportModel(model));
    expect([session.inputNames, session.outputNames]).toEqual([['input'], ['logits']]);
    await session.release();
  });

  it('carry their metadata', () => {
    const metadata = { classes: '["cat","dog"]', layout: 'NHWC', genotype: '0-1-2' };
    const model = parse(exportModel(buildNetwork(network, 'metadata'), { metadata }));
    expect(Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value]))).toMatchObject(metadata);
  });

  it('are portable: standard operators of opset 18, no variables, no training mode', () => {
    const model = parse(exportModel(buildNetwork({ ...network, dropout: 0.5 }, 'portable')));
    expect(model.opsetImport.map(({ domain, version }) => [domain, Number(version)])).toEqual([['', 18]]);
    const nodes = model.graph?.node ?? [];
    expect(nodes.filter(({ domain }) => domain !== '' && domain !== 'ai.onnx')).toEqual([]);
    expect(model.graph?.input.map(({ name }) => name)).toEqual(['input']);
    const operators = new Set(nodes.map(({ opType }) => opType));
    for (const absent of ['Dropout', 'RandomUniform', 'Expand']) expect(operators).not.toContain(absent);
    expect(nodes.length).toBeLessThan(120);
  });

  it('give the same bytes for the same weights, and other bytes for others', () => {
    const model = buildNetwork(network, 'bytes');
    const bytes = exportModel(model);
    expect(exportModel(model)).toEqual(bytes);
    tf.tidy(() => model.setWeights(model.getWeights().map((weight) => tf.mul(weight, 1.5))));
    expect(exportModel(model)).not.toEqual(bytes);
  });

  it('leave the model and the engine as they were', () => {
    const model = buildNetwork(network, 'clean export');
    const before = { ...tf.memory() };
    exportModel(model);
    expect({ ...tf.memory() }).toEqual(before);
    expect(tf.getBackend()).toBe('cpu');
  });
});
