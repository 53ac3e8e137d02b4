import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import * as tf from '@tensorflow/tfjs-core';
import { ModelProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { exportOnnx, exportTfjs, readExport } from '../../deploy/index.js';
import { apply, initialWeights, weightsFrom, type Model } from '../../spaces/models/index.js';
import { temporaryFolder } from '../support/temporary.js';
import { noise } from './quantize/support/run.js';
import { metadataFor, mixedNetwork as network, shaken } from './support/classifiers.js';

const metadata = metadataFor(network.input, ['cat', 'dog', 'bird'], {
  network,
  places: ['stage1.1', 'stage1.2', 'stage2.1', 'stage3.1'],
});
const trained = (seed: number) => shaken(network, seed);

const shape = [3, ...network.input];
const images = noise(shape.reduce((a, b) => a * b, 1));

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

describe('readExport', () => {
  it('finds the layers of an ONNX file by their order if another program has renamed its nodes', () => {
    const model = fromBinary(ModelProtoSchema, exportOnnx(trained(1), metadata));
    for (const [i, node] of model.graph?.node.entries() ?? []) node.name = `node${i}`;
    expectClose(logitsOf(readExport(onnxFile(toBinary(ModelProtoSchema, model))).model), logitsOf(trained(1)));
  });

  it.each([0, 0.5])('reads biases that are all %d, which the file omits or stores as one number', (bias) => {
    const weights = [...initialWeights(network, 1)].map(([name, { shape: own, data }]) => {
      return [name, { shape: own, data: name.endsWith('/bias') ? data.fill(bias) : data }] as const;
    });
    const model = { network, weights: new Map(weights) };
    expectClose(logitsOf(readExport(onnxFile(exportOnnx(model, metadata))).model), logitsOf(model));
  });

  it('reads the exact weights of a TF.js model', async () => {
    const folder = temporaryFolder();
    await exportTfjs(trained(2), metadata, folder);
    const found = readExport(join(folder, 'model.json'));
    expect(found).toMatchObject({ folded: false, metadata });
    expect(new Map([...found.model.weights].sort())).toEqual(new Map([...trained(2).weights].sort()));
  });

  it('refuses files without a network description, and files whose weights do not fit it', async () => {
    const without = { ...metadata, network: undefined };
    expect(() => readExport(onnxFile(exportOnnx(trained(1), without)))).toThrow(/does not say which network it is/);
    const other = { ...network, blocks: network.blocks.slice(1) };
    expect(() => readExport(onnxFile(exportOnnx(trained(1), { ...metadata, network: other })))).toThrow(
      /convolutions and dense layers/,
    );
    const wider = { ...network, stem: { ...network.stem, kernel: 5 } };
    expect(() => readExport(onnxFile(exportOnnx(trained(1), { ...metadata, network: wider })))).toThrow(
      /does not hold its network: stem\/kernel/,
    );
    const folder = temporaryFolder();
    await exportTfjs(trained(2), metadata, folder);
    const cut = temporaryFolder();
    cpSync(folder, cut, { recursive: true });
    writeFileSync(join(cut, 'weights.bin'), readFileSync(join(folder, 'weights.bin')).subarray(0, -4));
    expect(() => readExport(join(cut, 'model.json'))).toThrow(/ends before .* does/);
    rmSync(join(folder, 'metadata.json'));
    expect(() => readExport(join(folder, 'model.json'))).toThrow(/does not say which network it is/);
    expect(() => readExport(onnxFile(new Uint8Array([1, 2, 3])))).toThrow(/is not an ONNX model/);
  });
});
