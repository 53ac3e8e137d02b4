import { type GraphBuilder, int, range, sizeOf } from '../../graph/index.js';
import { convolutionAttributes, type Geometry } from '../geometry.js';
import { type Blocks, fillsBlocks } from './parts.js';

/**
 * Filters a signal d with `cells` weights w, y[j] = sum over k of w[k] d[j + k] for `rows` outputs, in rows + cells - 1
 * products, one per point (Winograd 1980; Lavin & Gray 2016, arXiv:1509.09308):
 *
 *   y = outputs * ((weights * w) . (signal * d))
 *
 * and, as its transpose, the gradient of w: weights^T * ((signal * d) . (outputs^T * dy)).
 */
export interface MinimalFiltering {
  readonly rows: number;
  /** 0 and pairs of a number and its negative; infinity is a point, too, and not listed. */
  readonly points: readonly number[];
  /** [points, rows + cells - 1] */
  readonly signal: readonly (readonly number[])[];
  /** [points, cells] */
  readonly weights: readonly (readonly number[])[];
  /** [rows, points] */
  readonly outputs: readonly (readonly number[])[];
}

/** Small numbers whose powers are exact in float32; this order adds the least error. */
const finitePoints: readonly number[] = [0, 1, -1, 1 / 2, -1 / 2, 2, -2];
const mostPoints = finitePoints.length + 1;

/** Coefficients of the product of (x - a) over `roots`, the constant one first. */
const polynomial = (roots: readonly number[]): number[] =>
  roots.reduce<number[]>(
    (coefficients, root) => [0, ...coefficients].map((c, i) => c - root * (coefficients[i] ?? 0)),
    [1],
  );

/** The filtering for an odd number of finite points: `rows` + `cells` is even. */
function minimalFiltering(rows: number, cells: number): MinimalFiltering {
  const points = finitePoints.slice(0, rows + cells - 2);
  const others = points.map((_, i) => points.filter((_, j) => j !== i));
  const last = (length: number): number[] => range(length).map((i) => (i === length - 1 ? 1 : 0));
  return {
    rows,
    points,
    signal: [...others.map((roots) => [...polynomial(roots), 0]), polynomial(points)],
    weights: [
      ...points.map((point, i) => {
        const scale = others[i].reduce((product, other) => product * (point - other), 1);
        return range(cells).map((k) => point ** k / scale);
      }),
      last(cells),
    ],
    outputs: range(rows).map((j) => [...points.map((point) => point ** j), last(rows)[j]]),
  };
}

/**
 * Convolutions by minimal filtering along the height. The rows of a tile are combined into one row per point, each of
 * these is convolved with a filter of one row, and the results are combined into the rows of the output. The width is
 * convolved directly: images grow by at most half, and the rounding error nearly equals the direct convolution's.
 */

/** Rows of a tile, the best first. */
const tiles: readonly number[] = [4, 2];
/** Minimum of products saved per additional number read and written. */
const worth = 24;

/** The filtering for this convolution; null where the direct convolution is as fast. */
export function filteringFor(builder: GraphBuilder, g: Geometry): MinimalFiltering | null {
  const { kernel, output, inChannels, outChannels } = g;
  const [cells] = kernel;
  const regular = [...g.strides, ...g.dilations].every((d) => d === 1) && !g.depthwise && cells > 1 && cells % 2 === 1;
  const blocked = [inChannels, outChannels].every((channels) => fillsBlocks(builder, channels));
  if (!builder.uses('fewer products') || !regular || !blocked || builder.dynamicBatch !== null) return null;
  const rows = tiles.find((d) => output[0] % d === 0 && d + cells - 1 <= mostPoints);
  if (rows === undefined) return null;
  const saved = 1 - (rows + cells - 1) / (rows * cells);
  const products = (sizeOf(kernel) * inChannels * outChannels) / (inChannels + outChannels);
  return saved * products >= worth ? minimalFiltering(rows, cells) : null;
}

export const constantMatrix = (builder: GraphBuilder, rows: readonly (readonly number[])[]): string =>
  builder.addConstant(Float32Array.from(rows.flat()), [rows.length, rows[0].length], 'float32');

/** Images [n, b, h, w] in blocks of b values. */
export interface Lines {
  readonly builder: GraphBuilder;
  readonly name: string;
  readonly height: number;
  readonly width: number;
  readonly block: number;
}

interface Combination {
  /** Rows from one tile to the next, and how many tiles there are. */
  readonly stride: number;
  readonly count: number;
  /** Rows of zeros above, columns of zeros left and right; none by default. */
  readonly top?: number;
  readonly sides?: readonly [number, number];
}

/** The weighted sum of the rows of each tile: [n, b, count, w]. */
export function combineRows(x: Lines, weights: readonly number[], combination: Combination): string {
  const { builder, name, height, width, block } = x;
  const { stride, count, top = 0, sides = [0, 0] } = combination;
  const used = range(weights.length).filter((i) => weights[i] !== 0);
  const [begin, end] = [Math.min(used[0], top), used[used.length - 1]];
  const step = used.every((i) => (i - begin) % 2 === 0) && end > begin ? 2 : 1;
  const taps = range((end - begin) / step + 1).map((i) => weights[begin + i * step]);
  const bottom = Math.max(0, (count - 1) * stride + end + 1 - height - top);
  const lines = sizeOf(builder.shapeOf(name)) / (block * height * width);
  // In the blocked layout, the b weights of a tap lie side by side.
  const filter = Float32Array.from({ length: block * taps.length }, (_, i) => taps[Math.floor(i / block)]);
  const attributes = convolutionAttributes({
    kernel: [taps.length, 1],
    pads: [top - begin, sides[0], bottom, sides[1]],
    strides: [stride, 1],
    dilations: [step, 1],
    group: block,
  });
  const inputs = [
    builder.reshape(name, [lines, block, height, width]),
    builder.addConstant(filter, [block, 1, taps.length, 1], 'float32'),
  ];
  return builder.emit('nchwc.Conv', inputs, attributes);
}

/** The filter for each point, [co, ci, 1, kw], from the packed filter [co, ci, kh, kw]. */
function filtersOf(builder: GraphBuilder, packed: string, block: number, { weights }: MinimalFiltering): string[] {
  const [outputs, inputs, height, width] = builder.shapeOf(packed);
  const cells = builder.reshape(packed, [(outputs * inputs) / block ** 2, height, width * block ** 2]);
  const all = builder.emit('MatMul', [constantMatrix(builder, weights), cells]);
  const sizes = builder.integers(weights.map(() => 1));
  return builder
    .emitAll('Split', [all, sizes], { axis: int(1) }, weights.length)
    .map((name) => builder.reshape(name, [outputs, inputs, 1, width]));
}

/** factor * x as a convolution: adding to its result is free. */
function scaled(builder: GraphBuilder, name: string, factor: number, block: number): string {
  if (factor === 1) return name;
  const shape = builder.shapeOf(name);
  const lines = builder.reshape(name, [(shape[0] * shape[1]) / block, block, 1, shape[2] * shape[3]]);
  const weights = builder.addConstant(new Float32Array(block).fill(factor), [block, 1, 1, 1], 'float32');
  const product = builder.emit('nchwc.Conv', [lines, weights], convolutionAttributes({ kernel: [1, 1], group: block }));
  return builder.reshape(product, shape);
}

/** Rows of the output's tiles from the products at each point; pairs of points are summed first. */
function outputRows(builder: GraphBuilder, products: readonly string[], f: MinimalFiltering, block: number): string[] {
  const { points, rows } = f;
  const pairs = range((points.length - 1) / 2).map((i) => 1 + 2 * i);
  const halves = (op: 'Add' | 'Sub'): string[] => pairs.map((i) => builder.emit(op, [products[i], products[i + 1]]));
  const [even, odd] = [halves('Add'), halves('Sub')];
  return range(rows).map((j) => {
    const terms = (j % 2 === 0 ? even : odd).map((half, i) => scaled(builder, half, points[pairs[i]] ** j, block));
    // Products that are used once come last: their convolution then includes the sum.
    const last = [...(j === 0 ? [products[0]] : []), ...(j === rows - 1 ? [products[points.length]] : [])];
    return [...terms, ...last].reduce((a, b) => builder.emit('Add', [a, b]));
  });
}

/** The convolution of these images with a packed filter: [n, co, h, w] in blocks, NCHWc. */
export function winogradConvolution(x: Blocks, packed: string, g: Geometry, f: MinimalFiltering): string {
  const { builder, block, images, channels } = x;
  const [top, left, , right] = g.pads;
  const [height, width] = g.output;
  const count = height / f.rows;
  const lines: Lines = { builder, name: x.name, height: g.input[0], width: g.input[1], block };
  const attributes = convolutionAttributes({ kernel: [1, g.kernel[1]], pads: [0, left, 0, right] });
  const products = filtersOf(builder, packed, block, f).map((filter, i) => {
    const rows = combineRows(lines, f.signal[i], { stride: f.rows, count, top });
    return builder.emit(
      'nchwc.Conv',
      [builder.reshape(rows, [images, channels, count, g.input[1]]), filter],
      attributes,
    );
  });
  const [outputs] = builder.shapeOf(packed);
  const strips = outputRows(builder, products, f, block).map((row) =>
    builder.reshape(row, [(images * outputs * count) / block, 1, width * block]),
  );
  return builder.reshape(builder.emit('Concat', strips, { axis: int(1) }), [images, outputs, height, width]);
}
