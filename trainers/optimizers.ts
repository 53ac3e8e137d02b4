import * as tf from '@tensorflow/tfjs-core';
import type { OptimizerConfig } from './schema.js';
import type { TrainConfig } from './recipe.js';

/** A trainable tensor with a name that is the same in every process. */
export interface Parameter {
  readonly name: string;
  readonly variable: tf.Variable;
}

/** Gradients by parameter name. */
export type Gradients = ReadonlyMap<string, tf.Tensor>;

/** An update rule over fixed parameters. Its state is tf.Variables: the same code runs eagerly and traces into a program. */
export interface Optimizer {
  /** The state by stable name, for example `momentum/stem/kernel`. */
  readonly slots: ReadonlyMap<string, tf.Variable>;
  /**
   * Updates every parameter once.
   * @param learningRate a scalar tensor: an input of the step, not a constant
   */
  apply(gradients: Gradients, learningRate: tf.Tensor): void;
}

/** Kernels decay; biases and batch norm's scale and offset, which are vectors, do not. */
const decays = ({ variable }: Parameter): boolean => variable.rank > 1;

/** Creates a zero variable for each parameter and registers it in `slots` as `kind/parameter`. */
function zeroSlots(
  kind: string,
  parameters: readonly Parameter[],
  slots: Map<string, tf.Variable>,
): (parameter: Parameter) => tf.Variable {
  const byName = new Map(
    parameters.map(({ name, variable }) => {
      const slot = tf.tidy(() => tf.variable(tf.zeros(variable.shape), false));
      slots.set(`${kind}/${name}`, slot);
      return [name, slot];
    }),
  );
  return ({ name }) => byName.get(name) ?? fail(name);
}

const gradientOf = (gradients: Gradients, { name }: Parameter): tf.Tensor => gradients.get(name) ?? fail(name);

function fail(name: string): never {
  throw new Error(`the optimizer was made without the parameter ${name}, or the loss does not depend on it`);
}

type ConfigOf<Type extends OptimizerConfig['type']> = Extract<OptimizerConfig, { readonly type: Type }>;

/** The configured optimizer of these parameters, in its initial state. */
export const createOptimizer = (config: OptimizerConfig, parameters: readonly Parameter[]): Optimizer =>
  config.type === 'adamw' ? adamw(config, parameters) : sgd(config, parameters);

/**
 * Stochastic gradient descent with (Nesterov) momentum as in Sutskever et al. 2013 and `tf.train.momentum`:
 * g = gradient + weight_decay w; a = momentum a + g; w -= rate (nesterov ? g + momentum a : a).
 * Without momentum there is no state.
 */
function sgd(config: ConfigOf<'sgd' | 'muon'>, parameters: readonly Parameter[]): Optimizer {
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
          variable.assign(tf.sub(variable, tf.mul(direction(parameter, gradient), learningRate)));
        }
      }),
  };
}

/**
 * AdamW (Loshchilov & Hutter 2019): Adam (Kingma & Ba 2015) with bias correction, and weight decay that shrinks the
 * weights by rate x weight_decay apart from the gradient. The correction is applied once per step to the learning rate
 * and epsilon, not to every moment: m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + e) = m s / (sqrt(v) + e c) with
 * c = sqrt(1 - b2^t) and s = c / (1 - b1^t).
 */
function adamw(config: ConfigOf<'adamw'>, parameters: readonly Parameter[]): Optimizer {
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
          const update = tf.div(tf.mul(m, rate), tf.add(tf.sqrt(v), scaledEpsilon));
          const kept = decay > 0 && decays(parameter) ? tf.sub(variable, tf.mul(variable, shrink)) : variable;
          variable.assign(tf.sub(kept, update));
        }
      }),
  };
}

/**
 * One step of an exponential moving average (Polyak & Juditsky 1992): average = decay average + (1 - decay) value.
 * @param decay a scalar tensor: an input of the step (see `averageDecay`)
 */
export function moveAverage(
  pairs: readonly (readonly [average: tf.Variable, value: tf.Variable])[],
  decay: tf.Tensor,
): void {
  tf.tidy(() => {
    const share = tf.sub(1, decay);
    for (const [average, value] of pairs) average.assign(tf.add(tf.mul(average, decay), tf.mul(value, share)));
  });
}

/** The configuration of the learning rate schedule. */
export type ScheduleConfig = Pick<TrainConfig, 'epochs' | 'warmup_epochs' | 'final_learning_rate' | 'optimizer'>;

/**
 * The learning rate of a step: linear warm-up to `optimizer.learning_rate` (Goyal et al. 2017), then half a cosine
 * without restarts (Loshchilov & Hutter 2017) down to `final_learning_rate` times it, reached at the last step.
 *
 * @param step from 0, over all epochs
 */
export function learningRate(step: number, stepsPerEpoch: number, config: ScheduleConfig): number {
  const peak = config.optimizer.learning_rate;
  const total = config.epochs * stepsPerEpoch;
  const warmup = Math.min(total, Math.round(config.warmup_epochs * stepsPerEpoch));
  if (step < warmup) return (peak * (step + 1)) / warmup;
  const progress = Math.min(1, (step - warmup) / Math.max(1, total - 1 - warmup));
  const floor = config.final_learning_rate;
  return peak * (floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress)));
}

/** The decay of the weights' moving average at a step: small at first, so that the average forgets the random weights. */
export const averageDecay = (step: number, decay: number): number => Math.min(decay, (1 + step) / (10 + step));
