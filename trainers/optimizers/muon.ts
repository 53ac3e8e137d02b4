import * as tf from '@tensorflow/tfjs-core';
import { orthogonalized } from './newton-schulz.js';
import { type ConfigOf, type Gradients, gradientOf, type Optimizer, type Parameter, zeroSlots } from './optimizer.js';
import { sgd } from './sgd.js';

/**
 * Kernels of the network's 1x1 and full convolutions [k, k, in, out], one for each group. Batch norm follows them, so their
 * norm does not matter.
 */
const isMatrix = ({ name, variable }: Parameter): boolean =>
  variable.rank === 4 && name.startsWith('model/') && name.endsWith('/kernel');

/** A kernel as a matrix [k k in, out]. */
const toMatrix = (kernel: tf.Tensor): tf.Tensor2D => tf.reshape(kernel, [-1, kernel.shape[3] ?? 1]);

/** Added to the squared norm, so that a kernel of zeros is not divided by 0. */
const epsilon = 1e-14;

/** The factors that scale kernels to the norm sqrt(out), [1, 1, 1, 1] each. */
function scalesOf(kernels: readonly tf.Tensor[]): readonly tf.Tensor[] {
  const squares = tf.concat(kernels.map((kernel) => tf.sum(tf.square(kernel), undefined, true)));
  const widths = tf.tensor4d(
    kernels.map(({ shape }) => shape[3] ?? 1),
    [kernels.length, 1, 1, 1],
  );
  return tf.split(tf.sqrt(tf.div(widths, tf.add(squares, epsilon))), kernels.length);
}

/** 1 where a gradient has an element that is not zero, else 0. */
const hasGradient = (gradient: tf.Tensor): tf.Tensor => tf.sign(tf.sum(tf.abs(gradient)));

/**
 * Muon (Jordan et al. 2024) on the kernels of convolutions, SGD with momentum on everything else. With v the momentum and g
 * the gradient of a kernel W [k, k, in, out]: v = muon_momentum v + g; u = g + muon_momentum v; W is scaled to the norm
 * sqrt(out); then W -= muon_rate s orthogonalised(u), where s is the scheduled share of the learning rate. No weight decay.
 * @param partial whether a step may use only some kernels: the others then stay. Their momentum, however short it has
 *   become, would make an update of full length.
 */
export function muon(config: ConfigOf<'muon'>, parameters: readonly Parameter[], partial = false): Optimizer {
  const { learning_rate: peak, muon_rate: rate, muon_momentum: momentum, iterations } = config;
  const kernels = parameters.filter(isMatrix);
  const rest = sgd(
    { ...config, type: 'sgd' },
    parameters.filter((parameter) => !isMatrix(parameter)),
  );
  const slots = new Map(rest.slots);
  const slotOf = zeroSlots('muon_momentum', kernels, slots);
  /** The direction before it is orthogonalised; its length does not matter. */
  const direction = (gradients: Gradients, kernel: Parameter): tf.Tensor2D => {
    const gradient = gradientOf(gradients, kernel);
    const slot = slotOf(kernel);
    // Nesterov's direction divided by 1 + momentum, from the old slot: only the next step reads the new one, so that a
    // program can update all slots in one vector.
    const ahead = tf.add(tf.mul(slot, momentum ** 2 / (1 + momentum)), gradient);
    slot.assign(tf.add(tf.mul(slot, momentum), gradient));
    return toMatrix(ahead);
  };
  return {
    slots,
    apply(gradients, learningRate) {
      rest.apply(gradients, learningRate);
      if (kernels.length === 0) return;
      tf.tidy(() => {
        const directions = kernels.map((kernel) => direction(gradients, kernel));
        const steps = orthogonalized(directions, iterations, tf.mul(learningRate, rate / peak));
        const scales = scalesOf(kernels.map(({ variable }) => variable));
        for (const [i, kernel] of kernels.entries()) {
          const { variable } = kernel;
          const step = partial ? tf.mul(steps[i], hasGradient(gradientOf(gradients, kernel))) : steps[i];
          variable.assign(tf.sub(tf.mul(variable, scales[i]), tf.reshape(step, variable.shape)));
        }
      });
    },
  };
}
