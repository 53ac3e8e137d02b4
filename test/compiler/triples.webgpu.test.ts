import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, expect, it } from 'vitest';
import { exportFunction, openOnnx } from '../../compiler/index.js';
import { describeOnWebGpu } from '../support/webgpu.js';
import { expectRightOnWebGpu, sampleOf } from './support/triples.js';

/** A number of channels that the NHWC kernel of WebGPU misreads. */
const misread = { images: 6, channels: 6, filters: 8, stride: 1 } as const;

describeOnWebGpu('convolutions of channels in threes', () => {
  beforeAll(() => tf.setBackend('cpu'));

  it('are right on WebGPU, and so are their gradients', () => expectRightOnWebGpu(misread));

  it('are right in foreign models', async () => {
    const { x, w } = sampleOf(misread);
    const kernel = tf.tensor4d(w.data as Float32Array, [3, 3, 6, 8]);
    const bytes = exportFunction(
      (input) => tf.sum(tf.conv2d(input as tf.Tensor4D, kernel, 1, 'same'), [1, 2]),
      [5, 7, 6],
    );
    const images = x.data as Float32Array;
    const on = async (provider: string): Promise<Float32Array> => {
      const model = await openOnnx(bytes, 'the model', { provider });
      const logits = await model.run(images, [6, 5, 7, 6]);
      await model.close();
      return logits;
    };
    const [found, expected] = [await on('webgpu'), await on('cpu')];
    found.forEach((logit, i) => expect(logit).toBeCloseTo(expected[i], 3));
    kernel.dispose();
  });
});
