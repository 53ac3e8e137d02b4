import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, it } from 'vitest';
import { describeOnWebGpu } from '../support/webgpu.js';
import { expectRightOnWebGpu } from './support/triples.js';

/** Numbers of channels that the NHWC kernel of WebGPU misreads, in both gradients too, and one that it reads well. */
const cases = [
  [6, 6, 8],
  [9, 15, 4],
  [4, 3, 6],
] as const;

describeOnWebGpu('convolutions of channels in threes', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  for (const [images, channels, filters] of cases)
    for (const stride of [1, 2] as const)
      it(`are right on WebGPU: ${images} images, ${channels} to ${filters} channels, stride ${stride}`, () =>
        expectRightOnWebGpu({ images, channels, filters, stride }));
});
