import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { checkExport, exportOnnx, exportTfjs, modelMetadataSchema, writeBundle } from '../../deploy/index.js';
import { toLayersModel } from '../../spaces/models/index.js';
import { temporaryFolder } from '../support/temporary.js';
import { noise } from './quantize/support/run.js';
import { metadataFor, mixedNetwork, shaken } from './support/classifiers.js';
import { product } from '../../base/statistics.js';

const metadata = metadataFor(mixedNetwork.input, ['cat', 'dog', 'ümlaut'], { network: mixedNetwork });
const trained = (seed: number) => shaken(mixedNetwork, seed);

const predict = (model: tfl.LayersModel): Float32Array => {
  const shape = [3, ...mixedNetwork.input];
  const images = tf.tensor(noise(product(shape)), shape);
  const logits = model.predict(images);
  if (Array.isArray(logits)) throw new Error('one output expected');
  return Float32Array.from(logits.dataSync());
};

describe('exportOnnx', () => {
  it('is rejected by checkExport for another model', async () => {
    await expect(checkExport(exportOnnx(trained(1), metadata), trained(2))).rejects.toThrow(/differs from the network/);
  });

  it('gives the same bytes for the same model', () => {
    expect(exportOnnx(trained(3), metadata)).toEqual(exportOnnx(trained(3), metadata));
  });
});

describe('exportTfjs', () => {
  it('writes files that plain TF.js loads as the same model', async () => {
    const directory = temporaryFolder();
    const model = trained(1);
    await exportTfjs(model, metadata, directory);
    expect(readdirSync(directory).sort()).toEqual(['labels.txt', 'metadata.json', 'model.json', 'weights.bin']);

    const manifest = JSON.parse(readFileSync(join(directory, 'model.json'), 'utf8')) as tf.io.ModelJSON;
    const loaded = await tfl.loadLayersModel(
      tf.io.fromMemory({
        modelTopology: manifest.modelTopology,
        weightSpecs: manifest.weightsManifest.flatMap(({ weights }) => weights),
        weightData: new Uint8Array(readFileSync(join(directory, manifest.weightsManifest[0].paths[0]))).buffer,
      }),
    );
    expect(predict(loaded)).toEqual(predict(toLayersModel(model)));
  });

  it('writes metadata that its schema accepts', async () => {
    const directory = temporaryFolder();
    await exportTfjs(trained(1), metadata, directory);
    const written: unknown = JSON.parse(readFileSync(join(directory, 'metadata.json'), 'utf8'));
    expect(modelMetadataSchema.parse(written)).toEqual(metadata);
  });
});

describe('writeBundle', () => {
  const bytes = exportOnnx(trained(1), metadata);

  it('writes the model, its metadata and its labels', () => {
    const directory = join(temporaryFolder(), 'deep');
    writeBundle(directory, bytes, metadata);
    expect(readdirSync(directory).sort()).toEqual(['labels.txt', 'metadata.json', 'model.onnx']);
    expect(new Uint8Array(readFileSync(join(directory, 'model.onnx')))).toEqual(bytes);
    expect(readFileSync(join(directory, 'labels.txt'), 'utf8')).toBe('cat\ndog\nümlaut\n');
    expect(modelMetadataSchema.parse(JSON.parse(readFileSync(join(directory, 'metadata.json'), 'utf8')))).toEqual(
      metadata,
    );
  });
});
