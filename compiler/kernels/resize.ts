import type * as tf from '@tensorflow/tfjs-core';
import { int, range, string } from '../graph/index.js';
import { NCHW } from '../values/layout.js';
import { Val } from '../values/value.js';
import type { Rule } from './call.js';
import { withAttrs } from './call.js';

type Attrs = Pick<tf.ResizeBilinearAttrs, 'alignCorners' | 'halfPixelCenters'>;
type Method = 'bilinear' | 'nearest';

/** Which input cells make up each output cell, with their weights, along one axis; TF.js's definitions. */
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

/** Gathering by constant indices: TF.js's nearest cells, whatever the sizes. */
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

/** A factor that gives exactly `to` when multiplied with `from` in single precision and rounded down. */
function scaleFactor(from: number, to: number): number {
  const factor = Math.fround(to / from);
  return Math.floor(Math.fround(from * factor)) < to ? Math.fround(factor * (1 + 2 ** -23)) : factor;
}

function resize(method: Method, images: Val, size: readonly [number, number], attrs: Attrs): Val {
  const { builder } = images;
  const [n, h, w, c] = images.shape;
  if (h === size[0] && w === size[1]) return images;
  // Where rounding could choose another cell than TF.js, nearest cells are spelt out.
  const wholeFactors = Number.isInteger(size[0] / h) && Number.isInteger(size[1] / w);
  if (method === 'nearest' && (attrs.halfPixelCenters || attrs.alignCorners || !wholeFactors))
    return gatherNearest(images, size, attrs);
  const coordinates = attrs.alignCorners ? 'align_corners' : attrs.halfPixelCenters ? 'half_pixel' : 'asymmetric';
  // Factors, not sizes: they leave a dynamic batch alone.
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
  withAttrs<tf.ResizeBilinearAttrs>((call, attrs) => resize(method, call.value('images'), attrs.size, attrs));

const backward = (method: Method): Rule =>
  withAttrs<Attrs>((call, attrs) => resizeGradient(method, call.value('images'), call.value('dy'), attrs));

export const resizeRules = {
  ResizeBilinear: forward('bilinear'),
  ResizeBilinearGrad: backward('bilinear'),
  ResizeNearestNeighbor: forward('nearest'),
  ResizeNearestNeighborGrad: backward('nearest'),
} satisfies Record<string, Rule>;
