import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { costs, layersOf, type Network } from '../../../spaces/index.js';
import {
  apply,
  drawWeights,
  initialWeights,
  namedWeights,
  toLayersModel,
  weightsFrom,
  weightSpecs,
} from '../../../spaces/models/index.js';
import { tinyDetector } from '../../support/tiny-detector.js';
import { handNetwork, smallNetworks } from '../networks.js';
import { layersModelOf } from '../../support/layers-model.js';

/** The only layers that exported models may be made of. */
const standardLayers = new Set([
  'InputLayer',
  'Conv2D',
  'DepthwiseConv2D',
  'BatchNormalization',
  'ReLU',
  'Activation',
  'Rescaling',
  'AveragePooling2D',
  'MaxPooling2D',
  'GlobalAveragePooling2D',
  'Cropping2D',
  'Concatenate',
  'Permute',
  'Dense',
  'Reshape',
  'Multiply',
  'Add',
  'Dropout',
  'ZeroPadding2D',
]);

/** The layers of detectors beside them. */
const detectorLayers = new Set([...standardLayers, 'UpSampling2D']);

/** Images that no two channels or pixels of share a value. */
const image = ([height, width, channels]: Network['input']): tf.Tensor =>
  tf.tidy(() =>
    tf.reshape(tf.sin(tf.range(0, 2 * height * width * channels, 1, 'float32')), [2, height, width, channels]),
  );

const predict = (model: tfl.LayersModel, network: Network): number[] =>
  tf.tidy(() => [...tf.concat([model.predict(image(network.input))].flat()).dataSync()]);

describe('toLayersModel', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('builds what the costs count, of standard layers, with the layers of layersOf', () => {
    fc.assert(
      fc.property(smallNetworks, (network) => {
        const model = layersModelOf(network, 1);
        const { params, buffers } = costs(network);
        expect(model.countParams()).toBe(params + buffers);
        expect(model.layers.every((layer) => standardLayers.has(layer.getClassName()))).toBe(true);
        for (const { name, output } of layersOf(network)) {
          const [, ...shape] = model.getLayer(name).outputShape as number[];
          expect(shape.length === 1 ? [1, 1, ...shape] : shape).toEqual(output);
        }
        expect(model.outputs[0].shape).toEqual([null, network.classes]);
        model.dispose();
      }),
      { numRuns: 15 },
    );
  });

  it.each([{}, { stride: 8 }, { deepest: 4, depth: 2 }, { segmentation: true }] as const)(
    'gives the maps of a detector or a segmenter, of standard layers: %o',
    (head) => {
      const network = tinyDetector(head);
      const specs = weightSpecs(network).map((spec) => (spec.trainable ? { ...spec, std: spec.std || 0.3 } : spec));
      const weights = drawWeights(specs, 3);
      const model = toLayersModel(
        { network, weights },
        { type: 'segmentation' in head ? 'segmentation' : 'detection' },
      );
      expect(model.layers.every((layer) => detectorLayers.has(layer.getClassName()))).toBe(true);
      const { logits } = apply(network, weightsFrom(weights), image(network.input), { training: false });
      const maps = [model.predict(image(network.input))].flat();
      const names = 'segmentation' in head ? ['classes'] : ['classes', 'boxes'];
      expect(model.outputs.map(({ name }) => name.split('/')[0])).toEqual(names);
      const together = tf.concat(maps, 3);
      expect(together.shape).toEqual(logits.shape);
      const expected = logits.dataSync();
      together.dataSync().forEach((value, i) => expect(value).toBeCloseTo(expected[i], 4));
      model.dispose();
    },
  );

  it('computes the same as the network', () => {
    fc.assert(
      fc.property(smallNetworks, (network) => {
        const weights = initialWeights(network, 1);
        const model = toLayersModel({ network, weights });
        const { logits } = apply(network, weightsFrom(weights), image(network.input), { training: false });
        const expected = [...logits.dataSync()];
        predict(model, network).forEach((value, i) => expect(value).toBeCloseTo(expected[i], 5));
        model.dispose();
      }),
      { numRuns: 15 },
    );
  });

  it('survives being written as Keras JSON and read back', async () => {
    const model = layersModelOf(handNetwork, 4);
    // As a string: that is what `toJSON(null, true)` returns.
    const json = JSON.parse(model.toJSON(null, true) as string) as tfl.ModelAndWeightsConfig['modelTopology'];
    const copy = await tfl.models.modelFromJSON({ modelTopology: json });
    copy.setWeights(model.getWeights());
    expect(predict(copy, handNetwork)).toEqual(predict(model, handNetwork));
  });

  it('frees everything on dispose', () => {
    const before = tf.memory().numTensors;
    layersModelOf(handNetwork, 0).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('namedWeights', () => {
  it('names weights the same in every model of the process, as the network does', () => {
    const [a, b] = [layersModelOf(handNetwork, 1), layersModelOf(handNetwork, 2)].map(namedWeights);
    expect(a.map(({ name }) => name)).toEqual(b.map(({ name }) => name));
    expect(a.map(({ variable }) => variable.name)).not.toEqual(b.map(({ variable }) => variable.name));
    expect(a.map(({ name }) => name).sort()).toEqual([...initialWeights(handNetwork, 1).keys()].sort());
  });
});
