import type * as tfl from '@tensorflow/tfjs-layers';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { compile, type HostTensor } from '../../../compiler/index.js';
import { apply } from './models.js';
import { distillationLoss, type SmallNetwork } from './networks.js';
import { specsOf, type Inputs, type Outputs } from './reference.js';
import { Sampler, toTensor, type Samples } from './samples.js';

export const batch = 4;
export const batchFor = ({ size, classes }: SmallNetwork, key: string | number): Samples => {
  const sample = new Sampler('batch', key);
  return {
    x: sample.normal([batch, size, size, 3]),
    y: sample.labels(batch, classes),
    teacher: sample.normal([batch, classes], 2),
  };
};
export const lossOf =
  (model: tfl.LayersModel) =>
  ({ x, y, teacher }: Inputs): tf.Scalar =>
    distillationLoss(y, apply(model, x, true), teacher);

export const steps = 10;
export const numberOf = (tensor: HostTensor | undefined): number => Number(tensor?.data[0]);

export const optimizers: Readonly<Record<string, () => tf.Optimizer>> = {
  sgd: () => tf.train.sgd(0.05),
  momentum: () => tf.train.momentum(0.05, 0.9),
  'nesterov momentum': () => tf.train.momentum(0.05, 0.9, true),
  adam: () => tf.train.adam(0.01),
};
/** Optimizers compared on a small regression, as their updates do not depend on the network. */
export const otherOptimizers: Readonly<Record<string, () => tf.Optimizer>> = {
  rmsprop: () => tf.train.rmsprop(0.01, 0.9, 0.5),
  'centred rmsprop': () => tf.train.rmsprop(0.01, 0.9, 0.5, 1e-10, true),
  adagrad: () => tf.train.adagrad(0.1),
  adadelta: () => tf.train.adadelta(0.5),
  adamax: () => tf.train.adamax(0.02),
};

type Step = (inputs: Inputs) => tf.Scalar;
export const minimising =
  (optimizer: tf.Optimizer, loss: Step, wrt?: tf.Variable[]): Step =>
  (inputs) => {
    const value = optimizer.minimize(() => loss(inputs), true, wrt);
    if (value === null) throw new Error('minimize returned no loss');
    return value;
  };

/** The losses of eager steps on the cpu backend; the variables end where training left them. */
export const trainEagerly = (step: Step, batches: readonly Samples[]): number[] =>
  batches.map((samples) =>
    tf.tidy(() => {
      const inputs = Object.fromEntries(Object.entries(samples).map(([key, sample]) => [key, toTensor(sample)]));
      return step(inputs).dataSync()[0];
    }),
  );

/** The same, compiled, from the variables' present values; they are left as they are. */
export async function trainCompiled(
  step: Step,
  batches: readonly Samples[],
): Promise<{ losses: number[]; states: Outputs }> {
  const program = await compile((inputs) => ({ loss: step(inputs) }), specsOf(batches[0]));
  const losses: number[] = [];
  for (const samples of batches) losses.push(numberOf((await program.run(samples))['loss']));
  const states = Object.fromEntries(await program.states.snapshot());
  await program.dispose();
  return { losses, states };
}

export const expectSameLosses = (compiled: readonly number[], eager: readonly number[]) => {
  compiled.forEach((loss, i) => expect(Math.abs(loss - eager[i]) / eager[i]).toBeLessThan(5e-5));
  expect(compiled.length).toBe(eager.length);
};
