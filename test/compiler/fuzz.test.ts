import * as tf from '@tensorflow/tfjs-core';
import { afterEach, expect, it } from 'vitest';
import { resolveTarget } from '../../compiler/index.js';
import { failuresOf } from './support/fuzz.js';

afterEach(() => tf.disposeVariables());

it('random programs agree with the cpu backend in values and gradients', async () => {
  expect(await failuresOf(0, 9, ({ blocked }) => resolveTarget({ blocked }))).toEqual([]);
});
