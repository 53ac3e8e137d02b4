import type * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../base/errors.js';
import { int, range, requireDtype, sizeOf, string, type Shape } from '../graph/index.js';
import { Val } from '../values/value.js';
import { withAttrs, type Rule } from './call.js';
import { compare } from './elementwise/binary.js';
import { castTo, elementwise } from './elementwise/elementwise.js';
import { axisIn } from './shape.js';

const toInt64 = (value: Val): string => value.builder.cast(value.fullForm(), 'int64');

function gather(x: Val, indices: Val, axis: number): Val {
  const at = axisIn(axis, x.rank);
  const shape = [...x.shape.slice(0, at), ...indices.shape, ...x.shape.slice(at + 1)];
  const name = x.builder.emit('Gather', [x.fullForm(), indices.fullForm()], { axis: int(at) });
  return Val.of(x.builder, name, shape, x.dtype);
}

/** Adds rows of `updates` at row numbers `rows` to a tensor of zeros, in a fixed order. */
function scatterRows(rows: string, updates: Val, height: number, row: Shape): Val {
  const { builder } = updates;
  const count = sizeOf(builder.shapeOf(rows));
  const width = sizeOf(row);
  const zeros = builder.expand(builder.scalar(0, updates.dtype), [height, width]);
  const indices = builder.expand(builder.reshape(rows, [count, 1]), [count, width]);
  const source = builder.reshape(updates.fullForm(), [count, width]);
  const name = builder.emit('ScatterElements', [zeros, indices, source], { axis: int(0), reduction: string('add') });
  return Val.of(builder, builder.reshape(name, [height, ...row]), [height, ...row], updates.dtype);
}

function topK(x: Val, k: number): readonly Val[] {
  const { builder } = x;
  const [values, positions] = builder.emitAll(
    'TopK',
    [x.fullForm(), builder.integers([k])],
    { axis: int(x.rank - 1) },
    2,
  );
  const shape = x.shape.with(x.rank - 1, k);
  return [Val.of(builder, values, shape, x.dtype), Val.of(builder, builder.cast(positions, 'int32'), shape, 'int32')];
}

export const indexingRules = {
  GatherV2: withAttrs((call, { axis, batchDims }: tf.GatherV2Attrs) => {
    if (batchDims !== 0) throw invalidInput('gather is traced without batch dimensions only');
    return gather(call.value('x'), call.value('indices'), axis);
  }),
  OneHot: withAttrs((call, { depth, onValue, offValue, dtype }: tf.OneHotAttrs) => {
    const indices = call.value('indices');
    const { builder } = call;
    const type = requireDtype(dtype);
    const classes = Val.constant(builder, Int32Array.from(range(depth)), [depth], 'int32');
    const hot = compare('Equal', indices.reshaped([...indices.shape, 1]), classes);
    if (onValue === 1 && offValue === 0) return castTo(hot, type);
    return elementwise('Where', [hot, Val.fill(builder, onValue, [], type), Val.fill(builder, offValue, [], type)]);
  }),
  TopK: withAttrs((call, { k }: tf.TopKAttrs) => topK(call.value('x'), k)),
  UnsortedSegmentSum: withAttrs((call, { numSegments }: tf.UnsortedSegmentSumAttrs) => {
    const [x, ids] = [call.value('x'), call.value('segmentIds')];
    return scatterRows(toInt64(ids), x, numSegments, x.shape.slice(ids.rank));
  }),
} satisfies Record<string, Rule>;
