import type * as tf from '@tensorflow/tfjs-core';
import type { Call } from '../call.js';
import { aligned, type FileValue } from '../value.js';

/** Computes the outputs of a node by TF.js operations. */
export type Rule = (call: Call) => FileValue | readonly FileValue[];

/** An operation on each element: the order of the axes stays. */
export const unary =
  (of: (x: tf.Tensor, call: Call) => tf.Tensor): Rule =>
  (call) => {
    const { tensor, isLast } = call.value();
    return { tensor: of(tensor, call), isLast };
  };

/** An operation on operands that broadcast to each other; more than two are combined from the left. */
export const combining =
  (of: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, operands: (call: Call) => readonly FileValue[]): Rule =>
  (call) => {
    const { tensors, isLast } = aligned(operands(call));
    return { tensor: tensors.reduce(of), isLast };
  };
