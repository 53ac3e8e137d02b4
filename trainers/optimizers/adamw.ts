import * as tf from '@tensorflow/tfjs-core';
import { type ConfigOf, decays, gradientOf, type Optimizer, type Parameter, rateOf, zeroSlots } from './optimizer.js';

/**
 * AdamW (Loshchilov & Hutter 2019): Adam (Kingma & Ba 2015) with bias correction, and weight decay that shrinks the
 * weights by rate x weight_decay apart from the gradient. The correction is applied once per step to the learning rate
 * and epsilon, not to every moment: m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + e) = m s / (sqrt(v) + e c) with
 * c = sqrt(1 - b2^t) and s = c / (1 - b1^t).
 */
export function adamw(config: ConfigOf<'adamw'>, parameters: readonly Parameter[]): Optimizer {
  const { beta1, beta2, epsilon, weight_decay: decay } = config;
  const slots = new Map<string, tf.Variable>();
  const firstOf = zeroSlots('first_moment', parameters, slots);
  const secondOf = zeroSlots('second_moment', parameters, slots);
  const power = (name: string): tf.Variable => {
    const variable = tf.tidy(() => tf.variable(tf.scalar(1), false));
    slots.set(name, variable);
    return variable;
  };
  const power1 = power('beta1_power');
  const power2 = power('beta2_power');

  return {
    slots,
    apply: (gradients, learningRate) =>
      tf.tidy(() => {
        const next1 = tf.mul(power1, beta1);
        const next2 = tf.mul(power2, beta2);
        power1.assign(next1);
        power2.assign(next2);
        const correction = tf.sqrt(tf.sub(1, next2));
        const rate = tf.div(tf.mul(learningRate, correction), tf.sub(1, next1));
        const scaledEpsilon = tf.mul(correction, epsilon);
        const shrink = tf.mul(learningRate, decay);
        for (const parameter of parameters) {
          const { variable } = parameter;
          const gradient = gradientOf(gradients, parameter);
          const first = firstOf(parameter);
          const second = secondOf(parameter);
          const m = tf.add(tf.mul(first, beta1), tf.mul(gradient, 1 - beta1));
          const v = tf.add(tf.mul(second, beta2), tf.mul(tf.square(gradient), 1 - beta2));
          first.assign(m);
          second.assign(v);
          const update = tf.div(tf.mul(m, rateOf(parameter, rate)), tf.add(tf.sqrt(v), scaledEpsilon));
          const kept =
            decay > 0 && decays(parameter) ? tf.sub(variable, tf.mul(variable, rateOf(parameter, shrink))) : variable;
          variable.assign(tf.sub(kept, update));
        }
      }),
  };
}
