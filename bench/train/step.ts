import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { Random } from '../../base/random.js';
import type { Benchmark } from './networks.js';

/** The same recipe as the PyTorch peer's. */
const temperature = 4;
const alpha = 0.5;
const momentum = 0.9;
const weightDecay = 1e-4;
const learningRate = 0.05;

type Inputs = Record<string, tf.Tensor>;

/** 0.5 cross-entropy + 0.5 T^2 KL divergence to the teacher's softened probabilities (Hinton et al. 2015). */
function distillationLoss(labels: tf.Tensor, logits: tf.Tensor, teacher: tf.Tensor): tf.Scalar {
  const hard = tf.neg(tf.mean(tf.sum(tf.mul(labels, tf.logSoftmax(logits)), -1)));
  const softened = tf.div(teacher, temperature);
  const target = tf.softmax(softened);
  const divergence = tf.sub(tf.logSoftmax(softened), tf.logSoftmax(tf.div(logits, temperature)));
  const soft = tf.mean(tf.sum(tf.mul(target, divergence), -1));
  return tf.add<tf.Scalar>(tf.mul(hard, 1 - alpha), tf.mul(soft, alpha * temperature ** 2));
}

/** The trainable variables of a model. */
function trainableVariables(model: LayersModel): tf.Variable[] {
  return model.trainableWeights.map((weight): tf.Variable => {
    const value: tf.Tensor = weight.read();
    if (!(value instanceof tf.Variable)) throw new Error(`weight ${weight.name} is not a variable`);
    return value as tf.Variable;
  });
}

/** Scalars that an optimizer updates: what both peers count as parameters. */
export const parametersOf = (model: LayersModel): number =>
  trainableVariables(model).reduce((sum, { size }) => sum + size, 0);

/**
 * One distillation step: forward (batch statistics), loss, backward, SGD with momentum and weight decay on every
 * parameter (as `torch.optim.SGD`), moving statistics. Takes images [b, h, w, c], one-hot labels and teacher logits.
 */
export function trainingStep(model: LayersModel): (inputs: Inputs) => { loss: tf.Tensor } {
  const weights = trainableVariables(model);
  const velocities = weights.map(({ shape }) => tf.tidy(() => tf.variable(tf.zeros(shape), false)));
  return ({ x, y, teacher }) => {
    const { value, grads } = tf.variableGrads(() => {
      const logits = model.apply(x, { training: true });
      if (!(logits instanceof tf.Tensor)) throw new Error('a model with one output is expected');
      return distillationLoss(y, logits, teacher);
    }, weights);
    weights.forEach((weight, i) => {
      const gradient = grads[weight.name];
      const velocity = velocities[i];
      velocity.assign(tf.add(tf.mul(velocity, momentum), tf.add(gradient, tf.mul(weight, weightDecay))));
      weight.assign(tf.sub(weight, tf.mul(velocity, learningRate)));
    });
    return { loss: value };
  };
}

/** One batch of normal images, random labels and normal teacher logits; the same for the same seed. */
export function randomBatch({ batch, network }: Benchmark, seed: number) {
  const random = new Random(seed, 'benchmark batch');
  const normal = (shape: readonly number[]) => ({
    dtype: 'float32' as const,
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
  });
  const y = {
    dtype: 'float32' as const,
    shape: [batch, network.classes],
    data: new Float32Array(batch * network.classes),
  };
  for (let row = 0; row < batch; row++) y.data[row * network.classes + random.int(network.classes)] = 1;
  return { x: normal([batch, ...network.input]), y, teacher: normal([batch, network.classes]) };
}
