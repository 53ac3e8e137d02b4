import * as tf from '@tensorflow/tfjs-core';
import { type ConfigOf, decays, gradientOf, type Optimizer, type Parameter, rateOf, zeroSlots } from './optimizer.js';

/**
 * Stochastic gradient descent with (Nesterov) momentum as in Sutskever et al. 2013 and `tf.train.momentum`:
 * g = gradient + weight_decay w; a = momentum a + g; w -= rate (nesterov ? g + momentum a : a).
 * Without momentum there is no state.
 */
export function sgd(config: ConfigOf<'sgd'>, parameters: readonly Parameter[]): Optimizer {
  const { momentum, nesterov, weight_decay: decay } = config;
  const slots = new Map<string, tf.Variable>();
  const slotOf = momentum === 0 ? null : zeroSlots('momentum', parameters, slots);
  const direction = (parameter: Parameter, gradient: tf.Tensor): tf.Tensor => {
    if (slotOf === null) return gradient;
    const slot = slotOf(parameter);
    const accumulated = tf.add(tf.mul(slot, momentum), gradient);
    slot.assign(accumulated);
    return nesterov ? tf.add(gradient, tf.mul(accumulated, momentum)) : accumulated;
  };
  return {
    slots,
    apply: (gradients, learningRate) =>
      tf.tidy(() => {
        for (const parameter of parameters) {
          const { variable } = parameter;
          const raw = gradientOf(gradients, parameter);
          const gradient = decay > 0 && decays(parameter) ? tf.add(raw, tf.mul(variable, decay)) : raw;
          variable.assign(tf.sub(variable, tf.mul(direction(parameter, gradient), rateOf(parameter, learningRate))));
        }
      }),
  };
}
