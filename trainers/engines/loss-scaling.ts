import * as tf from '@tensorflow/tfjs-core';
import { allBelow } from '../../compiler/index.js';
import type { Gradients } from '../optimizers/index.js';

/** The initial scale. */
const start = 2 ** 15;
/** The smallest scale: a loss that overflows without scaling is not reduced. */
const least = 1;
/** The scale doubles after this many consecutive steps with finite gradients. */
const patience = 2000;
/** The largest float32; overflowed values, in float16 or here, are not below it. */
const largest = 3.4028234663852886e38;

const scalarVariable = (value: number): tf.Variable => tf.tidy(() => tf.variable(tf.scalar(value), false));

/**
 * Dynamic loss scaling (Micikevicius et al. 2018, "Mixed Precision Training", sections 3.2 and 5): most gradients of
 * activations underflow in float16 unless they are scaled. The scale doubles from time to time; when a gradient overflows,
 * the step is skipped and the scale is halved. Scales are powers of two and cause no rounding. The state is tf.Variables,
 * as in optimizers.
 */
export class LossScaling {
  private readonly scale = scalarVariable(start);
  private readonly goodSteps = scalarVariable(0);
  /** The state by stable name. */
  readonly slots: ReadonlyMap<string, tf.Variable> = new Map([
    ['scale', this.scale],
    ['good_steps', this.goodSteps],
  ]);

  /**
   * Runs a step.
   * @param states all other variables that the step changes
   * @param gradients returns the gradients of the scaled loss; may change states
   * @param update changes states by the unscaled gradients
   * @returns the result of `gradients`, and whether gradients overflowed at the smallest scale
   */
  step<T extends { readonly grads: Gradients }>(
    states: Iterable<tf.Variable>,
    gradients: (scale: tf.Tensor) => T,
    update: (grads: Gradients) => void,
  ): T & { readonly overflow: tf.Tensor } {
    const before = [...states].map((variable) => ({ variable, data: variable.dataId, value: tf.clone(variable) }));
    const outputs = gradients(this.scale);
    const scaled = [...outputs.grads];
    const good = allBelow(
      scaled.map(([, gradient]) => gradient),
      largest,
    );
    const inverse = tf.div(1, this.scale);
    update(new Map(scaled.map(([name, gradient]) => [name, tf.mul(gradient, inverse)])));
    for (const { variable, data, value } of before)
      if (variable.dataId !== data) variable.assign(tf.where(good, variable, value));
    const overflow = tf.cast(tf.logicalAnd(tf.logicalNot(good), tf.lessEqual(this.scale, least)), 'float32');
    this.adapt(good);
    return { ...outputs, overflow };
  }

  dispose(): void {
    tf.dispose([this.scale, this.goodSteps]);
  }

  private adapt(good: tf.Tensor): void {
    const { scale, goodSteps } = this;
    const steps = tf.add(goodSteps, 1);
    const patient = tf.less(steps, patience);
    const grown = tf.where(patient, scale, tf.mul(scale, 2));
    const counted = tf.where(patient, steps, tf.zerosLike(steps));
    const shrunk = tf.maximum(tf.mul(scale, 0.5), least);
    scale.assign(tf.where(good, grown, shrunk));
    goodSteps.assign(tf.where(good, counted, tf.zerosLike(steps)));
  }
}
