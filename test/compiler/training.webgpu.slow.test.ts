import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compile, normalizeBatch, targetWith, uniform, verifyGraph, type HostTensor } from '../../compiler/index.js';
import { describeOnWebGpu } from '../support/webgpu.js';
import { withVariableGradients } from './support/gradients.js';
import { placementOf } from './support/placement.js';
import { runCompiled, specsOf, type Inputs } from './support/reference.js';
import { Sampler, toTensor } from './support/samples.js';

const epsilon = 1e-3;
const [portable, webgpu] = ['cpu', 'webgpu'].map((provider) => targetWith(null, { provider }));
type Normalize = (x: tf.Tensor4D, gamma: tf.Tensor, beta: tf.Tensor) => tf.Tensor;

const normalize: Normalize = (x, gamma, beta) => normalizeBatch(x, gamma, beta, epsilon).y;

/** Batch normalisation whose gradient has the wrong sign before the part of the variance. */
const withWrongSign: Normalize = (x, gamma, beta) => {
  const average = (y: tf.Tensor): tf.Tensor => tf.mean(y, [0, 1, 2]);
  const statistics = (image: tf.Tensor) => {
    const { mean, variance } = tf.moments(image, [0, 1, 2]);
    const inverse = tf.rsqrt(tf.add(variance, epsilon));
    return { inverse, centred: tf.mul(tf.sub(image, mean), inverse) };
  };
  const own = tf.customGrad((...inputs) => {
    const [image, scale, offset] = inputs.slice(0, 3) as tf.Tensor[];
    const save = inputs[3] as unknown as (tensors: tf.Tensor[]) => void;
    save([image, scale]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      const { inverse, centred } = statistics(saved[0]);
      const right = tf.sub(dy, average(dy));
      const wrong = tf.add(right, tf.mul(centred, average(tf.mul(dy, centred))));
      const sums = [tf.mul(dy, centred), dy].map((y) => tf.sum(y, [0, 1, 2]));
      return [tf.mul(tf.mul(saved[1], inverse), wrong), ...sums];
    };
    return { value: tf.add(tf.mul(statistics(image).centred, scale), offset), gradFunc };
  });
  return own(x, gamma, beta);
};

const sample = new Sampler('training on webgpu');
const samples = { images: sample.normal([8, 12, 12, 3]), labels: sample.labels(8, 5) };
const variables = new Map<string, tf.Variable>();

/** A variable of normal numbers, the same for a name. */
function weight(name: string, shape: readonly number[], scale: number, mean = 0): tf.Variable {
  const known = variables.get(name);
  if (known) return known;
  const value = tf.tidy(() => tf.add(toTensor(new Sampler(name).normal(shape, scale)), mean));
  const made = tf.variable(value, true, `webgpu/${name}`);
  variables.set(name, made);
  return made;
}
afterAll(() => tf.disposeVariables());

/** The loss of a small MobileNetV3: expansion, depthwise convolution, squeeze-excite, projection, residual. */
const lossWith =
  (norm: Normalize, dropout = 0) =>
  ({ images, labels }: Inputs): tf.Tensor => {
    const hardSwish = (y: tf.Tensor4D): tf.Tensor4D => tf.mul(y, tf.mul(tf.relu6(tf.add(y, 3)), 1 / 6));
    const normed = (name: string, y: tf.Tensor4D): tf.Tensor4D => {
      const channels = [y.shape[3]];
      return norm(y, weight(`${name}/gamma`, channels, 0.2, 1), weight(`${name}/beta`, channels, 0.2)) as tf.Tensor4D;
    };
    const conv = (name: string, y: tf.Tensor4D, filters: number, kernel: number, strides: number): tf.Tensor4D => {
      const filter = weight(name, [kernel, kernel, y.shape[3], filters], 0.4) as unknown as tf.Tensor4D;
      return normed(name, tf.conv2d(y, filter, strides, 'same'));
    };
    const stem = hardSwish(conv('stem', images as tf.Tensor4D, 8, 3, 2));
    const wide = tf.relu(conv('expand', stem, 16, 1, 1));
    const filter = weight('depthwise', [3, 3, 16, 1], 0.4) as unknown as tf.Tensor4D;
    const seen = tf.relu(normed('depthwise', tf.depthwiseConv2d(wide, filter, 1, 'same')));
    const gate = tf.sigmoid(
      tf.matMul(tf.mean<tf.Tensor2D>(seen, [1, 2]), weight('gate', [16, 16], 0.3) as unknown as tf.Tensor2D),
    );
    const gated = tf.mul<tf.Tensor4D>(seen, tf.reshape(gate, [-1, 1, 1, 16]));
    const pooled = tf.mean<tf.Tensor2D>(tf.add(stem, conv('project', gated, 8, 1, 1)), [1, 2]);
    const kept = (): tf.Tensor => tf.div(tf.floor(tf.add(uniform(pooled.shape), 1 - dropout)), 1 - dropout);
    const features = dropout > 0 ? tf.mul<tf.Tensor2D>(pooled, kept()) : pooled;
    const logits = tf.matMul(features, weight('dense', [8, 5], 0.5));
    return tf.losses.softmaxCrossEntropy(labels, logits);
  };

/** Variables are there before a program that reads them is traced. */
beforeAll(() => {
  tf.tidy(() => void lossWith(normalize)({ images: toTensor(samples.images), labels: toTensor(samples.labels) }));
});

/** The distance of all outputs together, relative to the length of the reference. */
function relativeL2(
  actual: Readonly<Record<string, HostTensor>>,
  reference: Readonly<Record<string, HostTensor>>,
): number {
  let [distance, length] = [0, 0];
  for (const [name, expected] of Object.entries(reference))
    expected.data.forEach((value, i) => {
      distance += (value - actual[name].data[i]) ** 2;
      length += value ** 2;
    });
  return Math.sqrt(distance / length);
}

describeOnWebGpu('a training step on the WebGPU provider', () => {
  it('has the gradients of the portable step on the CPU, and a wrong sign in one of them would show', async () => {
    const [right, wrong] = [normalize, withWrongSign].map((norm) => withVariableGradients(lossWith(norm)));
    const { outputs: reference } = await runCompiled(right, samples, { target: portable });
    const { outputs } = await runCompiled(right, samples, { target: webgpu });
    const { outputs: mutant } = await runCompiled(wrong, samples, { target: webgpu });
    expect(Object.keys(reference)).toHaveLength(variables.size + 1);
    const bar = 1e-5;
    expect(relativeL2(outputs, reference)).toBeLessThan(bar);
    expect(relativeL2(mutant, reference)).toBeGreaterThan(10 * bar);
    // The loss would not tell.
    expect(mutant['value'].data[0]).toBeCloseTo(reference['value'].data[0], 5);
  });

  it('runs there with all its nodes, and no value crosses', async () => {
    const program = await compile(withVariableGradients(lossWith(normalize)), specsOf(samples), {
      target: webgpu,
      check: verifyGraph,
    });
    const { nodes, ...copies } = await placementOf(program, samples);
    expect(Object.keys(nodes)).toEqual(['webgpu']);
    expect(copies).toEqual({ uploads: 0, downloads: 0, onCpu: [] });
    await program.dispose();
  });

  it('has the noise of dropout made on the CPU, which is one upload', async () => {
    const step = withVariableGradients(lossWith(normalize, 0.3));
    const program = await compile(step, specsOf(samples), { target: webgpu, check: verifyGraph });
    const { uploads, downloads, onCpu } = await placementOf(program, samples);
    expect({ uploads, downloads }).toEqual({ uploads: 1, downloads: 0 });
    expect(new Set(onCpu.map((node) => node.split(' ')[0]))).toEqual(
      new Set(['Add', 'BitShift', 'BitwiseXor', 'Cast', 'Mul']),
    );
    await program.dispose();
  });
});
