import * as tf from '@tensorflow/tfjs-core';
import type { Attributes } from '../graph/index.js';
import { int, ints, sizeOf, string } from '../graph/index.js';
import { NCHW } from '../values/layout.js';
import { Val } from '../values/value.js';
import type { Rule } from './call.js';
import { withAttrs } from './call.js';
import { shape4 } from './convolution/geometry.js';

type PoolInfo = ReturnType<typeof tf.backend_util.computePool2DInfo>;

const poolInfo = (x: Val, { filterSize, strides, pad, dimRoundingMode }: tf.MaxPoolAttrs): PoolInfo =>
  tf.backend_util.computePool2DInfo(shape4(x.shape), filterSize, strides, 1, pad, dimRoundingMode);

const windowAttributes = ({ filterHeight, filterWidth, strideHeight, strideWidth, padInfo }: PoolInfo): Attributes => ({
  kernel_shape: ints([filterHeight, filterWidth]),
  strides: ints([strideHeight, strideWidth]),
  pads: ints([padInfo.top, padInfo.left, padInfo.bottom, padInfo.right]),
});

const pool = (op: 'MaxPool' | 'AveragePool'): Rule =>
  withAttrs<tf.MaxPoolAttrs>((call, attrs) => {
    const x = call.value('x');
    const info = poolInfo(x, attrs);
    const name = x.builder.emit(op, [x.fullForm(NCHW)], windowAttributes(info));
    return Val.of(x.builder, name, info.outShape, 'float32', NCHW);
  });

/** Adds dy at the positions of the maxima. */
function maxPoolGradient(dy: Val, x: Val, info: PoolInfo): Val {
  const { builder } = x;
  const [n, h, w, c] = info.inShape;
  const count = sizeOf(dy.shape);
  const [, positions] = builder.emitAll('MaxPool', [x.fullForm(NCHW)], windowAttributes(info), 2);
  const zeros = builder.expand(builder.scalar(0), [n * c * h * w]);
  const updates = builder.reshape(dy.fullForm(NCHW), [count]);
  const name = builder.emit('ScatterElements', [zeros, builder.reshape(positions, [count]), updates], {
    axis: int(0),
    reduction: string('add'),
  });
  return Val.of(builder, builder.reshape(name, [n, c, h, w]), info.inShape, 'float32', NCHW);
}

/** How many cells of each window lie inside the image, along one axis. */
function cellsInside(outputs: number, stride: number, before: number, window: number, size: number): number[] {
  return Array.from({ length: outputs }, (_, i) => {
    const start = i * stride - before;
    return Math.min(start + window, size) - Math.max(start, 0);
  });
}

/** Spreads dy, divided by the number of cells inside the image, over each window. */
function averagePoolGradient(dy: Val, info: PoolInfo): Val {
  const { builder } = dy;
  const { inHeight, inWidth, outHeight, outWidth, strideHeight, strideWidth, filterHeight, filterWidth, padInfo } =
    info;
  const rows = cellsInside(outHeight, strideHeight, padInfo.top, filterHeight, inHeight);
  const columns = cellsInside(outWidth, strideWidth, padInfo.left, filterWidth, inWidth);
  const shares = Float32Array.from(rows.flatMap((r) => columns.map((c) => 1 / (r * c))));
  const shared = builder.emit('Mul', [
    dy.fullForm(NCHW),
    builder.addConstant(shares, [outHeight, outWidth], 'float32'),
  ]);
  const channels = info.inChannels;
  const ones = new Float32Array(channels * filterHeight * filterWidth).fill(1);
  const extra = [
    inHeight - ((outHeight - 1) * strideHeight + filterHeight - padInfo.top - padInfo.bottom),
    inWidth - ((outWidth - 1) * strideWidth + filterWidth - padInfo.left - padInfo.right),
  ];
  const kernel = builder.addConstant(ones, [channels, 1, filterHeight, filterWidth], 'float32');
  const name = builder.emit('ConvTranspose', [shared, kernel], {
    ...windowAttributes(info),
    output_padding: ints(extra),
    group: int(channels),
  });
  return Val.of(builder, name, info.inShape, 'float32', NCHW);
}

export const poolingRules = {
  AvgPool: pool('AveragePool'),
  AvgPoolGrad: withAttrs<tf.MaxPoolAttrs>((call, attrs) =>
    averagePoolGradient(call.value('dy'), poolInfo(call.value('input'), attrs)),
  ),
  MaxPool: pool('MaxPool'),
  MaxPoolGrad: withAttrs<tf.MaxPoolAttrs>((call, attrs) => {
    const x = call.value('input');
    return maxPoolGradient(call.value('dy'), x, poolInfo(x, attrs));
  }),
} satisfies Record<string, Rule>;
