import type * as tf from '@tensorflow/tfjs-core';
import { range, sizeOf } from '../graph/index.js';
import { Val } from '../values/value.js';
import { withAttrs, type Rule } from './call.js';
import { activate } from './elementwise/activation.js';
import { add } from './elementwise/binary.js';
import { broadcast } from './elementwise/elementwise.js';

/** Swaps the last two axes if asked; ONNX Runtime fuses such a Transpose into the MatMul. */
function factor(value: Val, transpose: boolean): Val {
  const { rank } = value;
  return transpose ? value.transposed([...range(rank - 2), rank - 1, rank - 2]) : value;
}

export function matmul(a: Val, b: Val, transposeA: boolean, transposeB: boolean): Val {
  const [left, right] = [factor(a, transposeA), factor(b, transposeB)];
  const batch = broadcast([left.shape.slice(0, -2), right.shape.slice(0, -2)]);
  const product = [left.shape[left.rank - 2], right.shape[right.rank - 1]];
  const flat = sizeOf(batch) === 1;
  const [x, y] = flat ? [left.reshaped(left.shape.slice(-2)), right.reshaped(right.shape.slice(-2))] : [left, right];
  const { builder } = a;
  const name = builder.emit('MatMul', [x.fullForm(), y.fullForm()]);
  return Val.of(builder, name, flat ? product : [...batch, ...product], 'float32').reshaped([...batch, ...product]);
}

export const matmulRules = {
  BatchMatMul: withAttrs((call, { transposeA, transposeB }: tf.BatchMatMulAttrs) =>
    matmul(call.value('a'), call.value('b'), transposeA, transposeB),
  ),
  _FusedMatMul: withAttrs((call, { transposeA, transposeB, activation, leakyreluAlpha }: tf._FusedMatMulAttrs) => {
    const product = matmul(call.value('a'), call.value('b'), transposeA, transposeB);
    const bias = call.optional('bias');
    const sum = bias ? add(product, bias) : product;
    return activate(sum, activation, call.optional('preluActivationWeights'), leakyreluAlpha);
  }),
} satisfies Record<string, Rule>;
