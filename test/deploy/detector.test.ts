import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseOnnx, readGraph, runOnnx } from '../../compiler/index.js';
import { checkExport, exportOnnx } from '../../deploy/export.js';
import { modelMetadataSchema, readMetadata } from '../../deploy/metadata.js';
import { onnxWeights } from '../../deploy/read-model.js';
import { drawWeights, toOnnx, weightSpecs, type Model } from '../../spaces/models/index.js';
import { detectionBatch, tinyDetector } from '../support/tiny-detector.js';

const network = tinyDetector();
/** Random weights, also where a new network has constants. */
const model: Model = {
  network,
  weights: drawWeights(
    weightSpecs(network).map((spec) => (spec.trainable ? { ...spec, std: spec.std || 0.3 } : spec)),
    3,
  ),
};
const detection = { type: 'detection' } as const;
const metadata = modelMetadataSchema.parse({
  ...{ classes: ['a', 'b'], task: detection, layout: 'NHWC', input: network.input, mean: [0, 0], std: [1, 1] },
  ...{ nas_version: '1', created: '2026-12-01', network, detection: { stride: 4, most: 150, overlap: 0.6 } },
});

beforeAll(async () => void (await tf.setBackend('cpu')));

describe('the ONNX file of a detector', () => {
  it('has an output for each head, named and in rows and columns, and says how they become boxes', () => {
    const bytes = exportOnnx(model, metadata);
    const { graph } = parseOnnx(bytes);
    expect(graph.output.map(({ name }) => name)).toEqual(['classes', 'boxes']);
    expect(readMetadata(bytes)).toMatchObject({ task: detection, detection: { stride: 4, most: 150, overlap: 0.6 } });
    // Nothing is left of the one output of trainings.
    const names = readGraph(parseOnnx(bytes)).nodes.map(({ name = '' }) => name);
    expect(names.filter((name) => name.startsWith('head_outputs'))).toEqual([]);
    expect(names.filter((name) => /^(classes|boxes)\//.test(name)).length).toBeGreaterThan(1);
  });

  it('computes the network, with its heads together or apart', async () => {
    expect(await checkExport(exportOnnx(model, metadata), model, detection)).toBeLessThan(1e-5);
    const { images } = detectionBatch(network, 3, 1);
    const shape = [3, ...network.input];
    const [together, apart] = [
      await runOnnx(toOnnx(model), 'the network', images, shape),
      await runOnnx(exportOnnx(model, metadata), 'the file', images, shape),
    ];
    expect(apart).toHaveLength(3 * 3 * 3 * 6);
    together.forEach((value, i) => expect(apart[i]).toBeCloseTo(value, 4));
  });

  it('gives its weights back', async () => {
    const bytes = exportOnnx(model, metadata);
    const weights = onnxWeights(parseOnnx(bytes), network, 'the file');
    expect(await checkExport(bytes, { network, weights }, detection)).toBeLessThan(1e-5);
    expect(weights.get('boxes/kernel')).toEqual(model.weights.get('boxes/kernel'));
  });
});
