import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import * as tf from '@tensorflow/tfjs-core';
import { ModelProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import { openOnnx } from '../../compiler/index.js';
import { exportOnnx, exportTfjs, readModel, type ModelMetadata } from '../../deploy/index.js';
import type { Network } from '../../spaces/index.js';
import { apply, initialWeights, weightsFrom, type Model } from '../../spaces/models/index.js';
import { temporaryFolder } from '../support/temporary.js';

/** Every kind of layer that members of a space share: depthwise kernels of several sizes, squeeze-excite, a dense layer. */
const network: Network = {
  kind: 'network',
  input: [11, 9, 2],
  classes: 3,
  stem: { filters: 4, kernel: 3, stride: 2, act: 'hard_swish' },
  blocks: [
    { kind: 'mbconv', filters: 4, expand: 2, kernel: 5, stride: 1, se: 0.5, act: 'relu' },
    { kind: 'mbconv', filters: 6, expand: 1, kernel: 3, stride: 1, se: 0, act: 'relu' },
    { kind: 'fused_mbconv', filters: 6, expand: 2, kernel: 3, stride: 2, se: 0, act: 'swish' },
    { kind: 'basic', filters: 6, kernel: 3, stride: 1, act: 'relu6' },
  ],
  head: { filters: 8, act: 'hard_swish', hidden: 10, dropout: 0.2 },
};

const metadata: ModelMetadata = {
  classes: ['cat', 'dog', 'bird'],
  layout: 'NHWC',
  input: network.input,
  mean: [0.5, 0.5],
  std: [0.25, 0.25],
  nas_version: '0.1.0',
  created: '2026-01-02T03:04:05.000Z',
  network,
  places: ['stage1.1', 'stage1.2', 'stage2.1', 'stage3.1'],
};

/** A model as after training: no weight at its initial value. */
function trained(seed: number): Model {
  const random = new Random(seed, 'trained');
  const weights = [...initialWeights(network, seed)].map(([name, { shape, data }]) => {
    const moved = data.map(
      (value) => value + (0.2 + 0.3 * random.uniform()) * (name.endsWith('variance') ? 1 : random.normal()),
    );
    return [name, { shape, data: moved }] as const;
  });
  return { network, weights: new Map(weights) };
}

const shape = [3, ...network.input];
const random = new Random(5, 'images');
const images = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());

const logitsOf = ({ network: own, weights }: Model): number[] =>
  tf.tidy(() => [...apply(own, weightsFrom(weights), tf.tensor(images, shape), { training: false }).logits.dataSync()]);

const expectClose = (found: readonly number[], expected: readonly number[]): void => {
  const largest = Math.max(...expected.map(Math.abs));
  expect(found).toHaveLength(expected.length);
  found.forEach((value, i) => expect(Math.abs(value - expected[i]) / largest).toBeLessThan(1e-4));
};

const onnxFile = (bytes: Uint8Array): string => {
  const file = join(temporaryFolder(), 'model.onnx');
  writeFileSync(file, bytes);
  return file;
};

describe('readModel', () => {
  it('gives a network that computes what its ONNX file does', async () => {
    const bytes = exportOnnx(trained(1), metadata);
    const found = readModel(onnxFile(bytes));
    const { run, close } = await openOnnx(bytes, 'the model');
    const expected = await run(images, shape).finally(close);
    expectClose(logitsOf(found.model), [...expected]);
    expect(found).toMatchObject({ folded: true, metadata });
  });

  it('knows the layers of an ONNX file by their order when another program has renamed its nodes', () => {
    const model = fromBinary(ModelProtoSchema, exportOnnx(trained(1), metadata));
    for (const [i, node] of model.graph?.node.entries() ?? []) node.name = `node${i}`;
    expectClose(logitsOf(readModel(onnxFile(toBinary(ModelProtoSchema, model))).model), logitsOf(trained(1)));
  });

  it.each([0, 0.5])('reads biases that are all %d, which the file leaves out or has as one number', (bias) => {
    const weights = [...initialWeights(network, 1)].map(([name, { shape: own, data }]) => {
      return [name, { shape: own, data: name.endsWith('/bias') ? data.fill(bias) : data }] as const;
    });
    const model = { network, weights: new Map(weights) };
    expectClose(logitsOf(readModel(onnxFile(exportOnnx(model, metadata))).model), logitsOf(model));
  });

  it('gives the very weights of a TF.js model', async () => {
    const folder = temporaryFolder();
    await exportTfjs(trained(2), metadata, folder);
    const found = readModel(join(folder, 'model.json'));
    expect(found).toMatchObject({ folded: false, metadata });
    expect(new Map([...found.model.weights].sort())).toEqual(new Map([...trained(2).weights].sort()));
  });

  it('refuses what does not say which network it is, and what does not hold it', async () => {
    const without = { ...metadata, network: undefined };
    expect(() => readModel(onnxFile(exportOnnx(trained(1), without)))).toThrow(/does not say which network it is/);
    const other = { ...network, blocks: network.blocks.slice(1) };
    expect(() => readModel(onnxFile(exportOnnx(trained(1), { ...metadata, network: other })))).toThrow(
      /convolutions and dense layers/,
    );
    const wider = { ...network, stem: { ...network.stem, kernel: 5 } };
    expect(() => readModel(onnxFile(exportOnnx(trained(1), { ...metadata, network: wider })))).toThrow(
      /does not hold its network: stem\/kernel/,
    );
    const folder = temporaryFolder();
    await exportTfjs(trained(2), metadata, folder);
    const cut = temporaryFolder();
    cpSync(folder, cut, { recursive: true });
    writeFileSync(join(cut, 'weights.bin'), readFileSync(join(folder, 'weights.bin')).subarray(0, -4));
    expect(() => readModel(join(cut, 'model.json'))).toThrow(/ends before .* does/);
    rmSync(join(folder, 'metadata.json'));
    expect(() => readModel(join(folder, 'model.json'))).toThrow(/does not say which network it is/);
    expect(() => readModel(onnxFile(new Uint8Array([1, 2, 3])))).toThrow(/is not an ONNX model/);
  });
});
