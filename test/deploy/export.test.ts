import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import {
  checkExport,
  exportOnnx,
  exportTfjs,
  modelMetadataSchema,
  readMetadata,
  writeBundle,
  type ModelMetadata,
} from '../../deploy/index.js';
import type { Network } from '../../spaces/index.js';
import { initialWeights, toLayersModel, type Model } from '../../spaces/models/index.js';
import { temporaryFolder } from '../support/temporary.js';

const network: Network = {
  kind: 'network',
  input: [12, 12, 2],
  classes: 3,
  stem: { filters: 4, kernel: 3, stride: 2, act: 'hard_swish' },
  blocks: [
    { kind: 'mbconv', filters: 4, expand: 2, kernel: 5, stride: 1, se: 0.5, act: 'relu' },
    { kind: 'fused_mbconv', filters: 6, expand: 2, kernel: 3, stride: 2, se: 0, act: 'swish' },
    { kind: 'basic', filters: 6, kernel: 3, stride: 1, act: 'relu6' },
  ],
  head: { filters: 8, act: 'hard_swish', hidden: 10, dropout: 0.2 },
};

const metadata: ModelMetadata = {
  classes: ['cat', 'dog', 'ümlaut'],
  layout: 'NHWC',
  input: network.input,
  mean: [0.5, 0.5],
  std: [0.25, 0.25],
  nas_version: '0.1.0',
  created: '2026-01-02T03:04:05.000Z',
  network,
};

/** A model as after training: every weight, batch norm's moving statistics too, away from its initial value. */
function trained(seed: number): Model {
  const random = new Random(seed, 'trained');
  const weights = [...initialWeights(network, seed)].map(([name, { shape, data }]) => {
    const moved = data.map((value) => Math.abs(value) * 0.9 + 0.1 * random.uniform() * (value < 0 ? -1 : 1));
    return [name, { shape, data: moved }] as const;
  });
  return { network, weights: new Map(weights) };
}

const predict = (model: tfl.LayersModel): Float32Array => {
  const random = new Random(5, 'images');
  const size = 3 * 12 * 12 * 2;
  const images = tf.tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    [3, 12, 12, 2],
  );
  const logits = model.predict(images);
  if (Array.isArray(logits)) throw new Error('one output expected');
  return Float32Array.from(logits.dataSync());
};

describe('exportOnnx', () => {
  it('gives a file that computes what the model does and carries its metadata', async () => {
    const model = trained(1);
    const bytes = exportOnnx(model, metadata);
    expect(await checkExport(bytes, model)).toBeLessThan(1e-4);
    expect(readMetadata(bytes)).toEqual(metadata);
  });

  it('is distinguished from the file of another model', async () => {
    await expect(checkExport(exportOnnx(trained(1), metadata), trained(2))).rejects.toThrow(/does not compute what/);
  });

  it('gives the same bytes for the same model', () => {
    expect(exportOnnx(trained(3), metadata)).toEqual(exportOnnx(trained(3), metadata));
  });
});

describe('exportTfjs', () => {
  it('writes files from which TF.js alone loads the same model', async () => {
    const directory = temporaryFolder();
    const model = trained(1);
    await exportTfjs(model, metadata, directory);
    expect(readdirSync(directory).sort()).toEqual(['metadata.json', 'model.json', 'weights.bin']);

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

  it('writes the model, its metadata and its labels', async () => {
    const directory = join(temporaryFolder(), 'deep');
    await writeBundle(directory, bytes, metadata);
    expect(readdirSync(directory).sort()).toEqual(['labels.txt', 'metadata.json', 'model.onnx']);
    expect(new Uint8Array(readFileSync(join(directory, 'model.onnx')))).toEqual(bytes);
    expect(readFileSync(join(directory, 'labels.txt'), 'utf8')).toBe('cat\ndog\nümlaut\n');
    expect(modelMetadataSchema.parse(JSON.parse(readFileSync(join(directory, 'metadata.json'), 'utf8')))).toEqual(
      metadata,
    );
  });

  it('writes what a server sends compressed beside the model', async () => {
    const directory = temporaryFolder();
    await writeBundle(directory, bytes, metadata, { compressed: true });
    const read = (ending: string) => readFileSync(join(directory, `model.onnx${ending}`));
    expect(new Uint8Array(read(''))).toEqual(bytes);
    expect(new Uint8Array(brotliDecompressSync(read('.br')))).toEqual(bytes);
    expect(new Uint8Array(gunzipSync(read('.gz')))).toEqual(bytes);
  });
});
