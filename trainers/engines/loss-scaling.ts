import * as tf from '@tensorflow/tfjs-core';
import { allBelow } from '../../compiler/index.js';
import type { Gradients } from '../optimizers.js';

/** What the loss is multiplied by at first. */
const start = 2 ** 15;
/** A loss that is too large by itself is not made smaller. */
const least = 1;
/** The scale is doubled after as many steps in a row whose gradients were finite. */
const patience = 2000;
/** The largest float32: what overflowed on the way, in float16 or here, is not below it. */
const largest = 3.4028234663852886e38;

const scalarVariable = (value: number): tf.Variable => tf.tidy(() => tf.variable(tf.scalar(value), false));

/**
 * Dynamic loss scaling (Micikevicius et al. 2018, "Mixed Precision Training", sections 3.2 and 5): most gradients of
 * activations are too small for float16; times a scale, they are not. The scale is doubled from time to time; where a
 * gradient becomes too large by it, the step changes nothing but the scale, which is halved. Scales are powers of two, so
 * that nothing is rounded by them. They live in tf.Variables, as optimizers do.
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
   * @param states all that it changes besides
   * @param gradients gives the gradients of the loss times a scale; may change states
   * @param update changes states by the gradients of the loss itself
   * @returns what `gradients` gave, and whether the gradients overflowed with the scale at its least
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
