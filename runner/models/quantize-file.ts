import { completeDecoding } from '../../base/preprocess.js';
import type { TaskType } from '../../base/task.js';
import { executedBy, type IntegerArithmetic } from '../../compiler/index.js';
import {
  describeQuantized,
  readMetadata,
  renderingOfModel,
  type FloatOperator,
  type WeightBits,
} from '../../deploy/index.js';
import {
  createDevice,
  type Device,
  type Environment,
  type Measurement,
  type ReachableDevice,
} from '../../latency-models/index.js';
import { describeDataset, renderingOf, type DataConfig, type DatasetRef } from '../../trainers/index.js';
import type { CompressConfig } from '../../experiments/schema/compress.js';
import { type Win, winOf } from '../compress/gates.js';
import { weightBitsFor } from '../compress/verdict.js';
import { evaluateOnSplit, seenBy, quantizeOnDataset } from './on-dataset.js';

type Normalisation = Readonly<Partial<Record<'mean' | 'std', readonly number[]>>>;

/** Warnings about the normalisation of images. */
export function preparedOtherwise(model: Normalisation, data: Required<Normalisation>): string[] {
  const { mean, std } = model;
  if (mean === undefined || std === undefined)
    return ['the file has no normalisation (mean and std in its metadata_props): that of the data is used'];
  const isSame = (a: readonly number[], b: readonly number[]) => a.every((x, i) => Math.abs(x - b[i]) < 1e-6);
  if (isSame(mean, data.mean) && isSame(std, data.std)) return [];
  return ['the model normalises images differently from the data: images were converted'];
}

const measurementWarnings = (name: string, { reliable, reasons }: Measurement): string[] =>
  reliable ? [] : [`the latency of the ${name} model is not reliable: ${reasons.join('; ')}`];

/** Warnings about int8 on this device. */
function surprises(
  { precision = 'int8' }: Environment,
  bits: WeightBits,
  integers: IntegerArithmetic | null,
): string[] {
  return [
    ...(precision === 'int8' ? [] : [`its weights are bytes, but this device computes it in ${precision}`]),
    ...(bits === 8 && integers === 'saturating'
      ? ['8-bit weights on a device that sums in 16 bits: its accuracy is lower than shown; --weight-bits 7 is exact']
      : []),
  ];
}

export interface BeforeAfter<T> {
  readonly fp32: T;
  readonly int8: T;
}

export interface ShownFloat {
  readonly operator: string;
  readonly node: string;
  /** Null when unknown. */
  readonly reason: string | null;
  /** Approximate ms per run; null without a profile. */
  readonly ms: number | null;
}

/** Result of `nas quantize`. */
export interface QuantizedReport extends Win {
  readonly model: string;
  readonly output: string;
  readonly device: string;
  /** Integer arithmetic of the device; null when unknown. */
  readonly integers: 'exact' | 'saturating' | null;
  readonly method: string;
  readonly tried: readonly { readonly method: string; readonly accuracy: number }[];
  readonly images: number;
  readonly weightBits: number;
  readonly task: TaskType;
  readonly accuracy: { readonly validation: BeforeAfter<number>; readonly test: BeforeAfter<number> };
  readonly latency: BeforeAfter<Shown>;
  readonly bytes: BeforeAfter<number>;
  readonly floats: readonly ShownFloat[];
  readonly warnings: readonly string[];
}

type Shown = ReturnType<typeof shown>;

const integersOf = async (device: Device): Promise<IntegerArithmetic | null> =>
  device.integers === undefined ? null : device.integers();

const shown = ({ ms, interval, p50, p95, p99, converged, reliable, reasons, environment }: Measurement) => ({
  ms,
  interval,
  p50,
  p95,
  p99,
  converged,
  reliable,
  reasons,
  environment,
});

/** Operators that stay in float, with their time on this machine. */
async function inFloat(
  model: Uint8Array,
  planned: readonly FloatOperator[],
  device: ReachableDevice,
): Promise<ShownFloat[]> {
  if (device.type !== 'local') return planned.map((one) => ({ ...one, ms: null }));
  const { provider, threads, batch } = device;
  const { floats } = await executedBy(model, { provider, threads, batch });
  const why = (name: string): string | null => planned.find(({ node }) => node === name)?.reason ?? null;
  return floats.map(({ operator, node, ms }) => ({ operator, node, reason: why(node), ms }));
}

/** An ONNX classifier to quantize, and how. */
export interface QuantizeRequest {
  readonly file: string;
  readonly model: Uint8Array;
  /** Where the command writes the result; for the report. */
  readonly output: string;
  readonly config: DataConfig;
  /** Of `config`, in the size of the model's images. */
  readonly dataset: DatasetRef;
  readonly compress: Pick<CompressConfig, 'calibration' | 'max_accuracy_drop' | 'min_speedup'>;
  readonly weightBits: WeightBits | 'auto';
  readonly device: ReachableDevice;
  readonly threads: number;
  readonly seed: number;
  readonly onProgress?: (what: string, done: number, total: number) => void;
}

/**
 * Quantizes an ONNX classifier to int8, and judges whether that pays off: accuracy on validation and test images, and latency on a
 * device. It writes no file.
 * @returns the int8 file, with metadata, and the report
 * @throws NasError as `quantizeClassifier`, `evaluateOnSplit` and the device
 */
export async function quantizeFile({
  file,
  model,
  output,
  config,
  dataset,
  compress,
  threads,
  seed,
  ...request
}: QuantizeRequest): Promise<{ readonly model: Uint8Array; readonly report: QuantizedReport }> {
  const progress = (what: string) => (done: number, total: number) => request.onProgress?.(what, done, total);
  const device = createDevice(request.device);
  const integers = await integersOf(device);
  const weightBits = request.weightBits === 'auto' ? weightBitsFor(integers ?? 'exact') : request.weightBits;
  const quantized = await quantizeOnDataset(model, dataset, {
    ...compress.calibration,
    weightBits,
    seed,
    threads,
    onProgress: (step, done, total) =>
      progress(step === 'calibration' ? 'images calibrated on' : `validation images, ${step}`)(done, total),
  });
  const testOf = async (bytes: Uint8Array, name: string): Promise<number> =>
    (await evaluateOnSplit(bytes, dataset, 'test', { threads, onProgress: progress(`test images, ${name}`) })).accuracy;
  const test = { fp32: await testOf(model, 'fp32'), int8: await testOf(quantized.model, 'int8') };
  const { method, tried, accuracy, detection } = quantized;
  const said = readMetadata(model);
  const info = describeDataset(seenBy(model, dataset));
  const task = info.task.type;
  const [height, width] = said.input ?? [info.height, info.width];
  const described = describeQuantized(
    quantized.model,
    { ...info, height, width },
    {
      quantization: { method, images: quantized.images, weight_bits: weightBits },
      accuracy: { validation: accuracy.int8, test: test.int8 },
      preprocess: completeDecoding(renderingOfModel(model) ?? renderingOf(config)),
      detection,
    },
  );
  const [before, after] = await device.measureAll([model, described], undefined, {
    onProgress: progress('blocks timed'),
  });
  const latency = { fp32: shown(before), int8: shown(after) };
  const report: QuantizedReport = {
    model: file,
    output,
    device: after.environment.device,
    integers,
    method,
    tried,
    images: quantized.images,
    weightBits,
    task,
    accuracy: { validation: accuracy, test },
    latency,
    bytes: { fp32: model.byteLength, int8: described.byteLength },
    floats: await inFloat(described, quantized.floats, request.device),
    warnings: [
      ...quantized.warnings,
      ...quantized.fewer,
      ...preparedOtherwise(said, info),
      ...surprises(after.environment, weightBits, integers),
      ...measurementWarnings('float', before),
      ...measurementWarnings('int8', after),
    ],
    ...winOf({ latency, task, accuracy, executed: after.environment.precision }, compress),
  };
  return { model: described, report };
}
