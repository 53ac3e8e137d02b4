import {
  calibrateRanges,
  prepareModel,
  quantizeModel,
  type QuantizedModel,
  type WeightBits,
} from '../../deploy/index.js';
import type { Images, Peer } from './peer.js';
import { executedBy } from '../../compiler/index.js';
import { Random } from '../../base/random.js';
import { product } from '../../base/statistics.js';
import { spearman } from '../../latency-models/statistics.js';
import { defaultProtocol, type Protocol } from '../../latency-models/index.js';
import { costs } from '../../spaces/index.js';
import { initialWeights, toOnnx } from '../../spaces/models/index.js';
import type { SpeedSubject } from './speed-subjects.js';
import { timeModels, type Timed } from './timing.js';

/** Our quantization of a model, minmax over the given images, for each weight width. */
export async function quantizeOurs<B extends WeightBits>(
  model: Uint8Array,
  images: Images,
  bits: readonly B[],
): Promise<Readonly<Record<B, QuantizedModel>>> {
  const prepared = prepareModel(model, 'the model');
  const methods = ['minmax'] as const;
  const ranges = await calibrateRanges(prepared, () => batchesOf(images), { methods, percentile: 99.99, threads: 1 });
  const quantized = bits.map((weightBits) => [weightBits, quantizeModel(prepared, ranges.minmax, { weightBits })]);
  // The keys are exactly `bits`.
  return Object.fromEntries(quantized) as Record<B, QuantizedModel>;
}

/** Images per part. All tensors of a part are in memory at once. */
const part = 32;

async function* batchesOf({ values, shape }: Images): AsyncGenerator<{ images: Float32Array; shape: number[] }> {
  const [count, ...image] = shape;
  const size = product(image);
  for (let start = 0; start < count; start += part) {
    const end = Math.min(count, start + part);
    yield await Promise.resolve({ images: values.slice(start * size, end * size), shape: [end - start, ...image] });
  }
}

/** One network at one batch size. */
export interface SpeedRow {
  readonly name: string;
  readonly pixels: number;
  readonly macs: number;
  readonly batch: number;
  readonly bytes: { readonly fp32: number; readonly int8: number };
  readonly fp32: Timed;
  /** 8-bit and 7-bit weights. */
  readonly int8: Timed;
  readonly int7: Timed;
  /** ONNX Runtime's quantizer; null if it is unavailable. */
  readonly peer: Timed | null;
  /** Target speed-up on a processor with VNNI. */
  readonly bar: number | null;
  /** Float operators of the 8-bit file after ONNX Runtime's optimisation. */
  readonly floats: readonly string[];
}

interface SpeedOptions {
  readonly batches: readonly number[];
  readonly peer: Peer | null;
  readonly blocks: number;
  readonly progress: (line: string) => void;
}

/** Number of calibration images for untrained networks. Their content does not affect times. */
const calibrationImages = 8;

/** Random images for calibrating untrained networks. */
export function randomImages(input: readonly number[]): Images {
  const shape = [calibrationImages, ...input];
  const random = new Random(1, 'int8', 'images');
  return { values: Float32Array.from({ length: product(shape) }, () => random.normal()), shape };
}

/** Times a network and its quantized forms side by side. */
export async function timeSubject(subject: SpeedSubject, options: SpeedOptions): Promise<SpeedRow[]> {
  const { network, name, bar = null, thorough } = subject;
  const { peer, blocks, progress } = options;
  const model = toOnnx({ network, weights: initialWeights(network, 1) });
  const images = randomImages(network.input);
  const ours = await quantizeOurs(model, images, [7, 8]);
  const theirs = thorough && peer !== null ? await peer.quantize(model, images, 8) : null;
  const models = [model, ours[8].model, ours[7].model, ...(theirs === null ? [] : [theirs])];
  const floats = thorough ? (await executedBy(ours[8].model)).floats.map(({ operator }) => operator) : [];
  const rows: SpeedRow[] = [];
  for (const batch of thorough ? options.batches : options.batches.slice(0, 1)) {
    const protocol: Protocol = { ...defaultProtocol, minRuns: 2, minBlocks: Math.min(15, blocks), maxBlocks: blocks };
    const [fp32, int8, int7, ...rest] = await timeModels(models, batch, protocol);
    const row: SpeedRow = {
      name,
      pixels: network.input[0],
      macs: costs(network).macs,
      batch,
      bytes: { fp32: model.length, int8: ours[8].model.length },
      fp32,
      int8,
      int7,
      peer: rest.at(0) ?? null,
      bar: batch === 1 ? bar : null,
      floats,
    };
    progress(`${name}, batch ${batch}: fp32 ${fp32.cpu.toFixed(3)} ms, int8 ${int8.cpu.toFixed(3)} ms`);
    rows.push(row);
  }
  return rows;
}

/** Speed-ups within one space, and the rank correlation between int8 and fp32 latency. */
export interface MembersRow {
  readonly space: string;
  readonly networks: number;
  /** CPU ms of fp32, smallest and largest. */
  readonly fp32: readonly [number, number];
  /** fp32 / int8. */
  readonly gain: { readonly min: number; readonly median: number; readonly max: number };
  readonly spearman: number;
}

export function summarise(space: string, rows: readonly SpeedRow[]): MembersRow {
  const fp32 = rows.map((row) => row.fp32.cpu);
  const gains = rows.map(({ fp32: float, int7 }) => float.cpu / int7.cpu).sort((a, b) => a - b);
  return {
    space,
    networks: rows.length,
    fp32: [Math.min(...fp32), Math.max(...fp32)],
    gain: { min: gains[0], median: gains[gains.length >> 1], max: gains[gains.length - 1] },
    spearman: spearman(
      fp32,
      rows.map(({ int7 }) => int7.cpu),
    ),
  };
}
