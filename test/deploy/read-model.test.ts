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
import { product } from '../../base/statistics.js';

const metadata = metadataFor(network.input, ['cat', 'dog', 'bird'], {
  network,
  places: ['stage1.1', 'stage1.2', 'stage2.1', 'stage3.1'],
});
const trained = (seed: number) => shaken(network, seed);

const shape = [3, ...network.input];
const images = noise(product(shape));

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
  it('finds the layers of an ONNX file by their order if another program has renamed its nodes', async () => {
    const model = fromBinary(ModelProtoSchema, exportOnnx(trained(1), metadata));
    for (const [i, node] of model.graph?.node.entries() ?? []) node.name = `node${i}`;
    const found = await readExport(onnxFile(toBinary(ModelProtoSchema, model)));
    expectClose(logitsOf(found.model), logitsOf(trained(1)));
  });

  it.each([0, 0.5])('reads biases that are all %d, which the file omits or stores as one number', async (bias) => {
    const weights = [...initialWeights(network, 1)].map(([name, { shape: own, data }]) => {
      return [name, { shape: own, data: name.endsWith('/bias') ? data.fill(bias) : data }] as const;
    });
    const model = { network, weights: new Map(weights) };
    expectClose(logitsOf((await readExport(onnxFile(exportOnnx(model, metadata)))).model), logitsOf(model));
  });

  it('reads the exact weights of a TF.js model', async () => {
    const folder = temporaryFolder();
    await exportTfjs(trained(2), metadata, folder);
    const found = await readExport(join(folder, 'model.json'));
    expect(found).toMatchObject({ folded: false, metadata });
    expect(new Map([...found.model.weights].sort())).toEqual(new Map([...trained(2).weights].sort()));
  });

  it('refuses files without a network description, and files whose weights do not fit it', async () => {
    const without = { ...metadata, network: undefined };
    await expect(readExport(onnxFile(exportOnnx(trained(1), without)))).rejects.toThrow(
      /does not say which network it is/,
    );
    const other = { ...network, blocks: network.blocks.slice(1) };
    await expect(readExport(onnxFile(exportOnnx(trained(1), { ...metadata, network: other })))).rejects.toThrow(
      /convolutions and dense layers/,
    );
    const wider = { ...network, stem: { ...network.stem, kernel: 5 } };
    await expect(readExport(onnxFile(exportOnnx(trained(1), { ...metadata, network: wider })))).rejects.toThrow(
      /does not hold its network: stem\/kernel/,
    );
    const folder = temporaryFolder();
    await exportTfjs(trained(2), metadata, folder);
    const cut = temporaryFolder();
    cpSync(folder, cut, { recursive: true });
    writeFileSync(join(cut, 'weights.bin'), readFileSync(join(folder, 'weights.bin')).subarray(0, -4));
    await expect(readExport(join(cut, 'model.json'))).rejects.toThrow(
      /its weights have \d+ bytes, and model.json lists \d+/,
    );
    rmSync(join(folder, 'metadata.json'));
    await expect(readExport(join(folder, 'model.json'))).rejects.toThrow(/does not say which network it is/);
    await expect(readExport(onnxFile(new Uint8Array([1, 2, 3])))).rejects.toThrow(/is not an ONNX model/);
  });
});
