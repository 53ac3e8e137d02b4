import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { initialWeights } from '../../../spaces/models/index.js';
import {
  featureTaps,
  layersFeatureTeacher,
  loadFeatureTeacher,
  networkFeatureTeacher,
  pairFeatures,
  type FeatureTeacher,
} from '../../../trainers/engines/features.js';
import type { TeacherNormalisation } from '../../../trainers/schema/teacher.js';
import { layersModelOf } from '../../support/layers-model.js';
import { temporaryFolder } from '../../support/temporary.js';
import { saveLayersModel } from '../support/layers-model-file.js';
import { tinyStudent, tinyTeacher } from '../support/networks.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('feature taps', () => {
  test('are the last maps of each resolution, without single pixels', () => {
    expect([...featureTaps(tinyStudent())]).toEqual([
      // The expansion of the strided block is the last map before its stride; then the head's convolution.
      ['5x5', { channels: 8, tap: 'block2_expand_act' }],
      ['3x3', { channels: 8, tap: 'head_act' }],
    ]);
  });

  test('pair what student and teacher share', () => {
    const features = pairFeatures(tinyStudent(), { taps: featureTaps(tinyTeacher()) });
    expect(features.resolutions).toEqual(['5x5', '3x3']);
    expect(features.layers).toEqual(['block2_expand_act', 'head_act']);
    expect(features.channels).toEqual([
      [8, 6],
      [8, 8],
    ]);
  });

  test('are the same of a network and of its layers model', () => {
    const network = tinyTeacher();
    const ours = networkFeatureTeacher({ network, weights: initialWeights(network, 1) });
    const theirs = layersFeatureTeacher(layersModelOf(network, 1));
    const images = tf.randomNormal([2, ...network.input], 0, 1, 'float32', 3);
    const [a, b] = [ours, theirs].map((teacher) => teacher.maps(images, ['3x3', '5x5']).map((map) => map.arraySync()));
    expect(a).toEqual(b);
    expect(b).toHaveLength(2);
    ours.dispose();
    theirs.dispose();
  });

  test('of a layers model are those of its own normalisation', async () => {
    const network = tinyTeacher();
    const model = layersModelOf(network, 1);
    const path = await saveLayersModel(model, join(temporaryFolder(), 'model'));
    const source = { type: 'layers-model', path } as const;
    const [own, data] = [
      { mean: [0.1], std: [0.2] },
      { mean: [0.4], std: [0.3] },
    ];
    const pixels = tf.randomUniform([2, ...network.input], 0, 1, 'float32', 3);
    const normalised = ({ mean, std }: typeof own) => tf.div(tf.sub(pixels, mean[0]), std[0]);
    const mapsOf = (teacher: FeatureTeacher, images: tf.Tensor): Float32Array =>
      Float32Array.from(teacher.maps(images, ['3x3'])[0].dataSync());
    const load = (normalisation: TeacherNormalisation) =>
      loadFeatureTeacher({ model: source, normalisation }, network.input, data);
    const expected = mapsOf(layersFeatureTeacher(model), normalised(own));
    const found = mapsOf(await load({ ...own, from: 'configuration' }), normalised(data));
    found.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 4));
    const byData = mapsOf(await load({ ...data, from: 'data' }), normalised(data));
    expect(byData).toEqual(mapsOf(layersFeatureTeacher(model), normalised(data)));
    expect(byData).not.toEqual(found);
  });

  test('that share nothing are an error with both lists', () => {
    expect(() => pairFeatures(tinyStudent(), { taps: featureTaps(tinyTeacher({ size: 16 })) })).toThrow(
      /student has 5x5, 3x3 and the teacher 8x8, 4x4/,
    );
  });
});
