import * as tf from '@tensorflow/tfjs-core';
import { type Attributes, int, ints, range, type Shape, sizeOf, string } from '../graph/index.js';
import { NCHW } from '../values/layout.js';
import { Val } from '../values/value.js';
import { type Rule, withAttrs } from './call.js';
import { padsOf, roundedSizes, shape4 } from './geometry.js';

type PoolInfo = ReturnType<typeof tf.backend_util.computePool2DInfo>;

/** @param output the shape of the output, for gradients */
const poolInfo = (x: Val, attrs: tf.MaxPoolAttrs, output?: Shape): PoolInfo =>
  roundedSizes(
    (rounding) =>
      tf.backend_util.computePool2DInfo(shape4(x.shape), attrs.filterSize, attrs.strides, 1, attrs.pad, rounding),
    attrs.dimRoundingMode,
    output,
  );

const windowAttributes = (info: PoolInfo): Attributes => ({
  kernel_shape: ints([info.filterHeight, info.filterWidth]),
  strides: ints([info.strideHeight, info.strideWidth]),
  pads: ints(padsOf(info)),
});

const pool = (op: 'MaxPool' | 'AveragePool'): Rule =>
  withAttrs((call, attrs: tf.MaxPoolAttrs) => {
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

/** Number of cells of each window inside the image, along one axis. */
function cellsInside(outputs: number, stride: number, before: number, window: number, size: number): number[] {
  return Array.from({ length: outputs }, (_, i) => {
    const start = i * stride - before;
    return Math.min(start + window, size) - Math.max(start, 0);
  });
}

/** Spreads dy, divided by the number of cells inside the image, over each window. */
function averagePoolGradient(dy: Val, info: PoolInfo): Val {
  const { builder } = dy;
  const { inHeight, inWidth, outHeight, outWidth, strideHeight, strideWidth, filterHeight, filterWidth } = info;
  const [top, left, bottom, right] = padsOf(info);
  const rows = cellsInside(outHeight, strideHeight, top, filterHeight, inHeight);
  const columns = cellsInside(outWidth, strideWidth, left, filterWidth, inWidth);
  const shares = Float32Array.from(rows.flatMap((r) => columns.map((c) => 1 / (r * c))));
  const shared = builder.emit('Mul', [
    dy.fullForm(NCHW),
    builder.addConstant(shares, [outHeight, outWidth], 'float32'),
  ]);
  const channels = info.inChannels;
  const ones = new Float32Array(channels * filterHeight * filterWidth).fill(1);
  const extra = [
    inHeight - ((outHeight - 1) * strideHeight + filterHeight - top - bottom),
    inWidth - ((outWidth - 1) * strideWidth + filterWidth - left - right),
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
  AvgPoolGrad: withAttrs((call, attrs: tf.MaxPoolAttrs) => {
    const dy = call.value('dy');
    return averagePoolGradient(dy, poolInfo(call.value('input'), attrs, dy.shape));
  }),
  MaxPool: pool('MaxPool'),
  MaxPoolGrad: withAttrs((call, attrs: tf.MaxPoolAttrs) => {
    const [dy, x] = [call.value('dy'), call.value('input')];
    return maxPoolGradient(dy, x, poolInfo(x, attrs, dy.shape));
  }),
} satisfies Record<string, Rule>;

type Attrs = Pick<tf.ResizeBilinearAttrs, 'alignCorners' | 'halfPixelCenters'>;
type Method = 'bilinear' | 'nearest';

/** Input cells and weights of each output cell, along one axis; TF.js's definitions. */
function taps(
  method: Method,
  from: number,
  to: number,
  { alignCorners, halfPixelCenters }: Attrs,
): [number, number][][] {
  const aligned = alignCorners && to > 1;
  const scale = aligned ? (from - 1) / (to - 1) : from / to;
  return range(to).map((i) => {
    if (method === 'nearest') {
      const at = scale * (halfPixelCenters ? i + 0.5 : i);
      return [[Math.min(from - 1, aligned ? Math.round(at) : Math.floor(at)), 1]];
    }
    const at = halfPixelCenters ? scale * (i + 0.5) - 0.5 : scale * i;
    const low = Math.max(0, Math.floor(at));
    const weight = at - low;
    const high = Math.min(from - 1, Math.ceil(at));
    return [
      [low, 1 - weight],
      [high, weight],
    ];
  });
}

/** The resizing of one axis as a matrix [to, from]. */
function matrix(method: Method, from: number, to: number, attrs: Attrs): Float32Array {
  const weights = new Float32Array(to * from);
  for (const [i, cells] of taps(method, from, to, attrs).entries())
    for (const [cell, weight] of cells) weights[i * from + cell] += weight;
  return weights;
}

/** TF.js's nearest cells for any sizes, gathered by constant indices. */
function gatherNearest(images: Val, size: readonly [number, number], attrs: Attrs): Val {
  const { builder } = images;
  const [n, h, w, c] = images.shape;
  const index = (from: number, to: number): string =>
    builder.addConstant(
      Int32Array.from(taps('nearest', from, to, attrs), ([[cell]]) => cell),
      [to],
      'int32',
    );
  const rows = builder.emit('Gather', [images.fullForm(NCHW), index(h, size[0])], { axis: int(2) });
  const name = builder.emit('Gather', [rows, index(w, size[1])], { axis: int(3) });
  return Val.of(builder, name, [n, ...size, c], images.dtype, NCHW);
}

/** A factor with floor(from * factor) = `to` exactly in float32. */
function scaleFactor(from: number, to: number): number {
  const factor = Math.fround(to / from);
  return Math.floor(Math.fround(from * factor)) < to ? Math.fround(factor * (1 + 2 ** -23)) : factor;
}

function resize(method: Method, images: Val, size: readonly [number, number], attrs: Attrs): Val {
  const { builder } = images;
  const [n, h, w, c] = images.shape;
  if (h === size[0] && w === size[1]) return images;
  // Rounding could pick other cells than TF.js for these options.
  const wholeFactors = Number.isInteger(size[0] / h) && Number.isInteger(size[1] / w);
  if (method === 'nearest' && (attrs.halfPixelCenters || attrs.alignCorners || !wholeFactors))
    return gatherNearest(images, size, attrs);
  const coordinates = attrs.alignCorners ? 'align_corners' : attrs.halfPixelCenters ? 'half_pixel' : 'asymmetric';
  // Factors instead of sizes: they do not fix a dynamic batch.
  const factors = Float32Array.of(1, 1, scaleFactor(h, size[0]), scaleFactor(w, size[1]));
  const inputs = [images.fullForm(NCHW), '', builder.addConstant(factors, [4], 'float32')];
  const name = builder.emit('Resize', inputs, {
    mode: string(method === 'nearest' ? 'nearest' : 'linear'),
    coordinate_transformation_mode: string(coordinates),
    ...(method === 'nearest' && { nearest_mode: string('floor') }),
  });
  return Val.of(builder, name, [n, ...size, c], images.dtype, NCHW);
}

/** Resizing is linear: its gradient multiplies by the transposed matrices. */
function resizeGradient(method: Method, images: Val, dy: Val, attrs: Attrs): Val {
  const { builder } = dy;
  const [n, h, w, c] = images.shape;
  const [, height, width] = dy.shape;
  const across = builder.addConstant(matrix(method, w, width, attrs), [width, w], 'float32');
  const down = builder.addConstant(matrix(method, h, height, attrs), [height, h], 'float32');
  const columns = builder.emit('MatMul', [dy.fullForm(NCHW), across]);
  const name = builder.emit('MatMul', [builder.transpose(down, [1, 0]), columns]);
  return Val.of(builder, name, [n, h, w, c], 'float32', NCHW);
}

const forward = (method: Method): Rule =>
  withAttrs((call, attrs: tf.ResizeBilinearAttrs) => resize(method, call.value('images'), attrs.size, attrs));

const backward = (method: Method): Rule =>
  withAttrs((call, attrs: Attrs) => resizeGradient(method, call.value('images'), call.value('dy'), attrs));

export const resizeRules = {
  ResizeBilinear: forward('bilinear'),
  ResizeBilinearGrad: backward('bilinear'),
  ResizeNearestNeighbor: forward('nearest'),
  ResizeNearestNeighborGrad: backward('nearest'),
} satisfies Record<string, Rule>;
