import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, expect, it } from 'vitest';
import { compile, exportFunction, openOnnx, resolveTarget, targetWith, verifyGraph } from '../../compiler/index.js';
import { describeOnWebGpu } from '../support/webgpu.js';
import { relativeError } from './support/reference.js';
import { Sampler } from './support/samples.js';

/** Images in a batch, channels, and filters: what the kernel misreads, of both gradients too, and what it does not. */
const cases = [
  [6, 6, 8],
  [9, 15, 4],
  [4, 3, 6],
].flatMap(([images, channels, filters]) => ([1, 2] as const).map((stride) => ({ images, channels, filters, stride })));
const sampler = new Sampler('triples');
const samples = Object.fromEntries(
  cases.flatMap(({ images, channels, filters }, i) => [
    [`x${i}`, sampler.normal([images, 5, 7, channels])],
    [`w${i}`, sampler.normal([3, 3, channels, filters])],
  ]),
);

describeOnWebGpu('convolutions of channels in threes', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('are right on WebGPU, and so are their gradients', async () => {
    const step = (inputs: Record<string, tf.Tensor>): Record<string, tf.Tensor> =>
      Object.fromEntries(
        cases.flatMap(({ stride }, i) => {
          const of = (x: tf.Tensor, w: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, 'same');
          const [x, w] = [inputs[`x${i}`], inputs[`w${i}`]];
          const [dx, dw] = tf.grads((...given: tf.Tensor[]) => tf.sum(tf.square(of(given[0], given[1]))))([x, w]);
          return [
            [`y${i}`, of(x, w)],
            [`dx${i}`, dx],
            [`dw${i}`, dw],
          ] as const;
        }),
      );
    const inputs = Object.fromEntries(Object.entries(samples).map(([name, { shape }]) => [name, { shape }]));
    const feeds = Object.fromEntries(Object.entries(samples).map(([name, { data }]) => [name, data as Float32Array]));
    const on = async (target: Awaited<ReturnType<typeof resolveTarget>>) => {
      const program = await compile(step, inputs, { target, checkDeterminism: false, check: verifyGraph });
      const results = await program.run(feeds);
      await program.dispose();
      return results;
    };
    const [found, expected] = [await on(await resolveTarget({ provider: 'webgpu' })), await on(targetWith(null))];
    for (const [name, value] of Object.entries(expected))
      expect(relativeError(found[name], value), name).toBeLessThan(1e-5);
  });

  it('are right in models of others', async () => {
    const kernel = tf.tensor4d(samples['w0'].data as Float32Array, [3, 3, 6, 8]);
    const bytes = exportFunction((x) => tf.sum(tf.conv2d(x as tf.Tensor4D, kernel, 1, 'same'), [1, 2]), [5, 7, 6]);
    const images = samples['x0'].data as Float32Array;
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
