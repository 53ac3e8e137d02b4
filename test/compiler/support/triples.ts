import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { compile, resolveTarget, targetWith, type Target } from '../../../compiler/index.js';
import { relativeError } from './reference.js';
import { Sampler } from './samples.js';

export interface Triple {
  readonly images: number;
  readonly channels: number;
  readonly filters: number;
  readonly stride: 1 | 2;
}

export const sampleOf = ({ images, channels, filters }: Triple) => {
  const sampler = new Sampler('triples', images, channels);
  return { x: sampler.normal([images, 5, 7, channels]), w: sampler.normal([3, 3, channels, filters]) };
};

/** Expects a convolution and its gradients on WebGPU to equal those on the CPU. */
export async function expectRightOnWebGpu(triple: Triple): Promise<void> {
  const samples = sampleOf(triple);
  const convolve = (x: tf.Tensor, w: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, triple.stride, 'same');
  const step = ({ x, w }: Record<string, tf.Tensor>): Record<string, tf.Tensor> => {
    const [dx, dw] = tf.grads((...given: tf.Tensor[]) => tf.sum(tf.square(convolve(given[0], given[1]))))([x, w]);
    return { y: convolve(x, w), dx, dw };
  };
  const on = async (target: Target) => {
    const inputs = { x: { shape: samples.x.shape }, w: { shape: samples.w.shape } };
    const program = await compile(step, inputs, { target, checkDeterminism: false });
    const results = await program.run(samples);
    await program.dispose();
    return results;
  };
  const [found, expected] = [await on(await resolveTarget({ provider: 'webgpu' })), await on(targetWith(null))];
  for (const [name, value] of Object.entries(expected))
    expect(relativeError(found[name], value), name).toBeLessThan(1e-5);
}
