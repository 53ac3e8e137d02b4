import * as tf from '@tensorflow/tfjs-core';
import { floatOf, intOf, range, sizeOf } from '../../graph/index.js';
import { normalizeBatch } from '../../trace/operations.js';
import type { Call } from '../call.js';
import { axisIn, last, plain, reshaped, shapeOf, type FileValue } from '../value.js';
import type { Rule } from './rule.js';

/** The input as maps [N, H, W, C], and the way back. */
function channelMaps(call: Call): { readonly x: tf.Tensor4D; readonly back: (y: tf.Tensor) => FileValue } {
  const { rank, shape } = call.value().tensor;
  const [batch, channels = 1] = shape;
  if (rank === 4) return { x: call.maps(), back: last };
  if (rank === 2)
    return { x: tf.reshape(call.plain(), [batch, 1, 1, channels]), back: (y) => plain(tf.reshape(y, shape)) };
  if (rank !== 3) return call.refuse(`normalises [${shape}]`, 'Only maps [N, C, H, W] and vectors are trained.');
  const [n, c, l] = call.plain().shape;
  const x = tf.reshape<tf.Rank.R4>(tf.transpose(call.plain(), [0, 2, 1]), [n, 1, l, c]);
  return { x, back: (y) => plain(tf.transpose(tf.reshape(y, [n, l, c]), [0, 2, 1])) };
}

const batchNormalization: Rule = (call) => {
  const { x, back } = channelMaps(call);
  const epsilon = floatOf(call.node, 'epsilon', 1e-5);
  const [gamma, beta] = [call.weight(1), call.weight(2)];
  const [mean, variance] = [call.weight(3, undefined, false), call.weight(4, undefined, false)];
  const { training, frozenNorms, statistics } = call.mode;
  if (!training)
    return back(
      tf.batchNorm(x, mean as tf.Tensor1D, variance as tf.Tensor1D, beta as tf.Tensor1D, gamma as tf.Tensor1D, epsilon),
    );
  if (frozenNorms === true) {
    // TF.js's own gradient of batchNorm takes several more passes.
    const factor = tf.mul(gamma, tf.rsqrt(tf.add(variance, epsilon)));
    return back(tf.add(tf.mul(x, factor), tf.sub(beta, tf.mul(mean, factor))));
  }
  const { y, ...batch } = normalizeBatch(x, gamma, beta, epsilon);
  const [, , , meanName, varianceName] = call.node.inputs;
  const written = floatOf(call.node, 'momentum', 0.9);
  // With 1, which PyTorch writes for a mean over all batches, statistics would never follow.
  statistics?.({ mean: meanName, variance: varianceName, momentum: written < 1 ? written : 0.9 }, batch);
  return back(y);
};

/** (x - mean) / sqrt(variance + epsilon) over some axes. */
function standardised(x: tf.Tensor, axes: number[], epsilon: number): tf.Tensor {
  const centred = tf.sub(x, tf.mean(x, axes, true));
  return tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), axes, true), epsilon)));
}

const layerNormalization: Rule = (call) => {
  const x = call.plain();
  const first = call.axis(plain(x), 'axis', -1);
  const y = standardised(x, range(x.rank).slice(first), floatOf(call.node, 'epsilon', 1e-5));
  const scaled = tf.mul(y, call.weight(1));
  return plain(call.has(2) ? tf.add(scaled, call.weight(2)) : scaled);
};

const instanceNormalization: Rule = (call) => {
  const value = call.value();
  const epsilon = floatOf(call.node, 'epsilon', 1e-5);
  const [scale, offset] = [call.weight(1), call.weight(2)];
  if (value.tensor.rank === 4) return last(tf.add(tf.mul(standardised(call.maps(), [1, 2], epsilon), scale), offset));
  const x = call.plain();
  const column = [scale.size, ...new Array<number>(x.rank - 2).fill(1)];
  const y = standardised(x, range(x.rank).slice(2), epsilon);
  return plain(tf.add(tf.mul(y, tf.reshape(scale, column)), tf.reshape(offset, column)));
};

const groupNormalization: Rule = (call) => {
  const x = call.maps();
  const [n, height, width, channels] = x.shape;
  const groups = intOf(call.node, 'num_groups', 1);
  const rows = tf.reshape(x, [n, height * width, groups, channels / groups]);
  const y = standardised(rows, [1, 3], floatOf(call.node, 'epsilon', 1e-5));
  const [scale, offset] = [call.weight(1), call.weight(2)];
  // Before opset 21, groups have the factors.
  if (scale.size === channels) return last(tf.add(tf.mul(tf.reshape(y, x.shape), scale), offset));
  const column = [groups, 1];
  return last(tf.reshape(tf.add(tf.mul(y, tf.reshape(scale, column)), tf.reshape(offset, column)), x.shape));
};

/** Along one axis, which TF.js wants to be the last one; before opset 13, along all axes from that one on. */
const softmax =
  (of: (x: tf.Tensor) => tf.Tensor): Rule =>
  (call) => {
    const value = call.value();
    const isOld = call.opset < 13;
    if (
      isOld &&
      shapeOf(value)
        .slice(2)
        .some((size) => size !== 1)
    ) {
      const shape = shapeOf(value);
      const axis = axisIn(plain(value.tensor), intOf(call.node, 'axis', 1));
      const rows = reshaped(value, [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))]);
      return reshaped(plain(of(rows.tensor)), shape);
    }
    const { tensor, isLast } = value;
    const axis = call.axis(value, 'axis', isOld ? 1 : -1);
    if (axis === tensor.rank - 1) return { tensor: of(tensor), isLast };
    const order = [...range(tensor.rank).filter((i) => i !== axis), axis];
    return {
      tensor: tf.transpose(
        of(tf.transpose(tensor, order)),
        order.map((_, i) => order.indexOf(i)),
      ),
      isLast,
    };
  };

type Reduce = (x: tf.Tensor, axes: number[], keep: boolean) => tf.Tensor;

const reduction =
  (of: Reduce): Rule =>
  (call) => {
    const value = call.value();
    const { rank } = value.tensor;
    const axes = [...(call.integers(1, 'axes') ?? range(rank))];
    const keep = intOf(call.node, 'keepdims', 1) === 1;
    const places = (operand: FileValue): number[] => axes.map((axis) => axisIn(operand, axis));
    if (places(value).some((axis) => axis < 0)) return call.refuse(`has axes [${axes}] that its input does not have`);
    if (keep) return { tensor: of(value.tensor, places(value), true), isLast: value.isLast };
    // Without height and width, the channels stand behind N in both orders.
    const isPooling = value.isLast && rank === 4 && String(places(value).sort()) === '1,2';
    const source = isPooling ? value : plain(call.plain());
    return plain(of(source.tensor, places(source), false));
  };

const root = (x: tf.Tensor): tf.Tensor => tf.sqrt(x);

export const normalizationRules = {
  BatchNormalization: batchNormalization,
  GroupNormalization: groupNormalization,
  InstanceNormalization: instanceNormalization,
  LayerNormalization: layerNormalization,
  LogSoftmax: softmax((x) => tf.logSoftmax(x)),
  LpNormalization: (call) => {
    const { tensor, isLast } = call.value();
    if (intOf(call.node, 'p', 2) !== 2) return call.refuse('normalises by another norm than L2');
    const axis = call.axis({ tensor, isLast }, 'axis', -1);
    return { tensor: tf.div(tensor, root(tf.sum(tf.square(tensor), axis, true))), isLast };
  },
  ReduceL2: reduction((x, axes, keep) => root(tf.sum(tf.square(x), axes, keep))),
  ReduceMax: reduction((x, axes, keep) => tf.max(x, axes, keep)),
  ReduceMean: reduction((x, axes, keep) => tf.mean(x, axes, keep)),
  ReduceMin: reduction((x, axes, keep) => tf.min(x, axes, keep)),
  ReduceSum: reduction((x, axes, keep) => tf.sum(x, axes, keep)),
  ReduceSumSquare: reduction((x, axes, keep) => tf.sum(tf.square(x), axes, keep)),
  Softmax: softmax((x) => tf.softmax(x)),
} satisfies Record<string, Rule>;
