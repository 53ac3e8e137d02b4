import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { invalidInput, messageOf, NasError } from '../../base/errors.js';
import { createSession, encodeRead, nodeLabel, producersOf, type OnnxGraph } from '../../compiler/index.js';
import { rangesOf, type Range, type Ranges } from './numbers.js';
import { observedBy } from './plan.js';
import type { PreparedModel } from './quantize.js';

/** Ranges contain all observed values (`minmax`), or all but the outermost (`percentile`). */
export const calibrationMethods = ['minmax', 'percentile'] as const;
export type CalibrationMethod = (typeof calibrationMethods)[number];

/** Images as the model takes them: its layout, its normalisation. */
export interface CalibrationBatch {
  readonly images: Float32Array;
  readonly shape: readonly number[];
  /** How many of the images count, from the first on; the others fill a model's fixed batch. Default: all. */
  readonly count?: number;
}

export interface RangeOptions<M extends CalibrationMethod = CalibrationMethod> {
  readonly methods: readonly M[];
  /** Share of the values, in %, that `percentile` keeps inside; default 99.99. The ranges of images and scores are never cut. */
  readonly percentile?: number;
  /** Threads of ONNX Runtime; default 1. */
  readonly threads?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch with the number of images that are done. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/**
 * Finds the ranges of a model's tensors by running it, in floats, on images; every method uses the same runs. Only histograms
 * of the values are kept. Ranges depend neither on the order of the images nor on the sizes of the batches, except for the
 * float model's own rounding.
 *
 * @throws NasError `invalid-input` when there are no images, when images are not finite or do not fit the model, or when a
 *   layer's values are not finite; `interrupted` when the signal is aborted
 */
export async function calibrateRanges<M extends CalibrationMethod>(
  prepared: PreparedModel,
  batches: () => AsyncIterable<CalibrationBatch>,
  { methods, percentile = 99.99, threads = 1, signal, onProgress }: RangeOptions<M>,
): Promise<Readonly<Record<M, Ranges>>> {
  if (!(percentile > 50 && percentile <= 100))
    throw invalidInput(`the percentile is ${percentile}`, { hint: 'Give more than 50 and at most 100.' });
  const { graph, plan, where } = prepared;
  const tensors = observedBy(plan);
  const [input] = graph.inputs;
  const histograms = new Map(tensors.map((name) => [name, new Histogram()]));
  const session = await createSession(encodeRead(exposing(graph, tensors)), { threads });
  let done = 0;
  try {
    for await (const { images, shape, count = shape[0] } of batches()) {
      if (signal?.aborted === true) throw new NasError('interrupted', 'the calibration was interrupted');
      const results = await run(session, input.name, images, shape, where);
      for (const [name, histogram] of histograms) {
        const { data, dims } = name === input.name ? { data: images, dims: shape } : results[name];
        // A tensor whose first axis is not the batch counts as a whole.
        const end = dims[0] === shape[0] ? (data.length / shape[0]) * count : data.length;
        if (data instanceof Float32Array && histogram.add(data.subarray(0, end))) continue;
        throw notFinite(graph, name, input.name, where);
      }
      done += count;
      onProgress?.(done);
    }
  } finally {
    await session.release();
  }
  if (done === 0)
    throw invalidInput(`there are no images to calibrate ${where} on`, {
      hint: 'Give some images of the training data.',
    });
  const rangeBy: { readonly [K in CalibrationMethod]: (histogram: Histogram) => Range } = {
    minmax: (histogram) => histogram.range(),
    percentile: (histogram) => histogram.percentile(percentile),
  };
  const rangesBy = (method: CalibrationMethod): Ranges =>
    rangesOf(
      new Map(
        [...histograms].map(([name, histogram]) => [
          name,
          name === input.name || name === plan.scores ? histogram.range() : rangeBy[method](histogram),
        ]),
      ),
    );
  return Object.fromEntries(methods.map((method) => [method, rangesBy(method)])) as Record<M, Ranges>;
}

/** The model with these tensors among its outputs. */
function exposing(graph: OnnxGraph, tensors: readonly string[]): OnnxGraph {
  const own = new Set([...graph.outputs, ...graph.inputs].map(({ name }) => name));
  const added = tensors
    .filter((name) => !own.has(name))
    .map((name) => ({ name, dtype: 'float32' as const, shape: graph.types.get(name)?.shape ?? [] }));
  return { ...graph, outputs: [...graph.outputs, ...added] };
}

async function run(
  session: InferenceSession,
  input: string,
  images: Float32Array,
  shape: readonly number[],
  where: string,
): Promise<InferenceSession.ReturnType> {
  try {
    return await session.run({ [input]: new Tensor('float32', images, shape) });
  } catch (cause) {
    throw invalidInput(`${where} failed on images [${shape.join(', ')}]: ${messageOf(cause)}`, {
      cause,
      hint: 'Calibrate on images of the size and layout that the model takes.',
    });
  }
}

function notFinite({ nodes }: OnnxGraph, tensor: string, input: string, where: string): NasError {
  if (tensor === input)
    return invalidInput('calibration images hold numbers that are not finite', { hint: 'Check the data.' });
  const node = producersOf(nodes).get(tensor);
  const layer = node === undefined ? `'${tensor}'` : `${node.op} '${nodeLabel(node)}'`;
  return invalidInput(`${where} cannot be calibrated: ${layer} gives numbers that are not finite`, {
    hint: 'Check that the images are normalised as the model takes them, and that its training did not diverge.',
  });
}

/** Bins on each side of zero. */
const half = 2048;

/**
 * Counts values of a range that is not known in advance, in bins [i · w, (i + 1) · w) around zero; the width w is the
 * least power of two with which the bins hold all values. When a greater value comes, neighbouring bins are merged. The counts
 * depend on the values alone, not on their order or on how they come in parts.
 */
export class Histogram {
  private readonly counts = new Float64Array(2 * half);
  private exponent = -Infinity;
  private total = 0;
  private low = Infinity;
  private high = -Infinity;

  /** @returns false when a value is not finite; nothing is counted then */
  add(values: Float32Array): boolean {
    if (values.length === 0) return true;
    const [low, high] = extremes(values);
    if (Number.isNaN(low) || low === -Infinity || high === Infinity) return false;
    // Zeros of both signs are one.
    this.low = Math.min(this.low, low) + 0;
    this.high = Math.max(this.high, high) + 0;
    this.total += values.length;
    this.widenTo(Math.max(this.high, -this.low));
    // As long as all values are zero there is no width, and none is needed.
    countBins(values, this.counts, this.exponent === -Infinity ? 0 : 2 ** -this.exponent);
    return true;
  }

  /** Least and greatest value. */
  range(): Range {
    return this.total === 0 ? [0, 0] : [this.low, this.high];
  }

  /**
   * The range that holds `percent` of the values, with equal shares outside on both sides, to the width of a bin (at most
   * 1/1024 of the greatest magnitude). A range never becomes wider, and never crosses zero.
   */
  percentile(percent: number): Range {
    if (this.total === 0 || this.exponent === -Infinity) return this.range();
    const outside = (this.total * (100 - percent)) / 200;
    const width = 2 ** this.exponent;
    const { counts } = this;
    let first = 0;
    for (let sum = counts[0]; sum <= outside && first < 2 * half - 1; sum += counts[first]) first++;
    let last = 2 * half - 1;
    for (let sum = counts[last]; sum <= outside && last > 0; sum += counts[last]) last--;
    const low = this.low >= 0 ? this.low : Math.max(this.low, (first - half) * width);
    const high = this.high <= 0 ? this.high : Math.min(this.high, (last + 1 - half) * width);
    return [low, high];
  }

  /** Makes bins so wide that a magnitude is inside. */
  private widenTo(magnitude: number): void {
    if (magnitude === 0) return;
    let exponent = Math.max(-200, Math.floor(Math.log2(magnitude)) + 1 - Math.log2(half));
    if (magnitude * 2 ** -exponent >= half) exponent++;
    if (exponent <= this.exponent) return;
    // Before the first width all counted values were zero, in a bin that stays its own.
    if (this.exponent !== -Infinity) this.merge(2 ** (exponent - this.exponent));
    this.exponent = exponent;
  }

  /** Makes one bin of `neighbours` (a power of two), on both sides away from zero. */
  private merge(neighbours: number): void {
    const merged = new Float64Array(2 * half);
    this.counts.forEach((count, i) => {
      merged[Math.floor((i - half) / neighbours) + half] += count;
    });
    this.counts.set(merged);
  }
}

// The loops over all values of a network are functions of their own, which engines compile once.

/** Least and greatest value; NaN where one is. */
function extremes(values: Float32Array): Range {
  let low = Infinity;
  let high = -Infinity;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value < low) low = value;
    if (value > high) high = value;
    // Comparisons let NaN pass; a sum does not.
    sum += value;
  }
  return Number.isNaN(sum) ? [NaN, NaN] : [low, high];
}

/** Counts values into bins, `perValue` of them to the unit. */
function countBins(values: Float32Array, counts: Float64Array, perValue: number): void {
  for (let i = 0; i < values.length; i++) counts[Math.floor(values[i] * perValue) + half]++;
}
