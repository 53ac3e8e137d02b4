import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, it } from 'vitest';
import { describeOnWebGpu } from '../support/webgpu.js';
import { expectRightOnWebGpu } from './support/triples.js';

describeOnWebGpu('a convolution whose channels come in threes', () => {
  beforeAll(() => tf.setBackend('cpu'));

  // Numbers of channels that the NHWC kernel of WebGPU misreads, in both gradients too, and one that it reads well.
  it.each([
    [6, 6, 8],
    [9, 15, 4],
    [4, 3, 6],
  ])('is right on WebGPU: %i images, %i to %i channels', async (images, channels, filters) => {
    for (const stride of [1, 2] as const) await expectRightOnWebGpu({ images, channels, filters, stride });
  });
});
