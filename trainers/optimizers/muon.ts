import * as tf from '@tensorflow/tfjs-core';
import { orthogonalized } from './newton-schulz.js';
import { type ConfigOf, gradientOf, type Optimizer, type Parameter, zeroSlots } from './optimizer.js';
import { sgd } from './sgd.js';

/**
 * Kernels of the network's 1x1 and full convolutions [k, k, in, out], one for each group. Batch norm follows them, so their
 * norm does not matter: adapters of feature losses, which nothing normalises, are left to SGD.
 */
const isMatrix = ({ name, variable }: Parameter): boolean =>
  variable.rank === 4 && name.startsWith('model/') && name.endsWith('/kernel');

/** Output and input channels first, as programs store filters: a kernel becomes a matrix [out, in k k] without a copy. */
const filterOrder = [3, 2, 0, 1];
const kernelOrder = [2, 3, 1, 0];

const toMatrix = (kernel: tf.Tensor): tf.Tensor2D =>
  tf.reshape(tf.transpose(kernel, filterOrder), [kernel.shape[3] ?? 1, -1]);

const toKernel = (matrix: tf.Tensor2D, shape: readonly number[]): tf.Tensor =>
  tf.transpose(
    tf.reshape(
      matrix,
      filterOrder.map((axis) => shape[axis]),
    ),
    kernelOrder,
  );

/**
 * Muon (Jordan et al. 2024) on the kernels of convolutions, SGD with momentum on everything else. With v the momentum and g
 * the gradient of a kernel W [k, k, in, out]: v = muon_momentum v + g; u = g + muon_momentum v; W is scaled to the norm
 * sqrt(out); then W -= muon_rate s orthogonalised(u), where s is the scheduled share of the learning rate. No weight decay.
 */
export function muon(config: ConfigOf<'muon'>, parameters: readonly Parameter[]): Optimizer {
  const { learning_rate: peak, muon_rate: rate, muon_momentum: momentum, iterations } = config;
  const kernels = parameters.filter(isMatrix);
  const rest = sgd(
    { ...config, type: 'sgd' },
    parameters.filter((parameter) => !isMatrix(parameter)),
  );
  const slots = new Map(rest.slots);
  const slotOf = zeroSlots('muon_momentum', kernels, slots);
  const widths = kernels.map(({ variable }) => variable.shape[3] ?? 1);
  /** The direction before it is orthogonalised. */
  const direction = (gradients: Parameters<Optimizer['apply']>[0], kernel: Parameter): tf.Tensor2D => {
    const gradient = gradientOf(gradients, kernel);
    const slot = slotOf(kernel);
    const accumulated = tf.add(tf.mul(slot, momentum), gradient);
    slot.assign(accumulated);
    return toMatrix(tf.add(gradient, tf.mul(accumulated, momentum)));
  };
  return {
    slots,
    apply(gradients, learningRate) {
      rest.apply(gradients, learningRate);
      if (kernels.length === 0) return;
      tf.tidy(() => {
        const directions = kernels.map((kernel) => direction(gradients, kernel));
        const steps = orthogonalized(directions, iterations, tf.mul(learningRate, rate / peak));
        const norms = tf.sqrt(tf.stack(kernels.map(({ variable }) => tf.sum(tf.square(variable)))));
        const factors = tf.unstack(tf.div(tf.sqrt(tf.tensor1d(widths)), norms));
        for (const [i, { variable }] of kernels.entries())
          variable.assign(tf.sub(tf.mul(variable, factors[i]), toKernel(steps[i], variable.shape)));
      });
    },
  };
}
