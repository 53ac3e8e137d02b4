import * as tf from '@tensorflow/tfjs-core';
import { afterEach, it } from 'vitest';
import { layerCases } from './cases/layers.js';
import { expectSamePredictions } from './support/exported.js';
import { modelOf } from './support/models.js';

afterEach(() => tf.disposeVariables());

it.each(layerCases.filter(({ inputs }) => inputs.length === 1))(
  'exported models hold a layer at any batch: $name',
  (layer) => expectSamePredictions(modelOf(layer), [1, 3]),
);
