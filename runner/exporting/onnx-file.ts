import { trainingExperimentOf } from '../stored/experiment.js';
import { invalidInput, messageOf, NasError } from '../../base/errors.js';
import { mainScores, scoreText, type Details, type Scores } from '../../base/scores.js';
import { classification } from '../../base/task.js';
import { executedBy } from '../../compiler/index.js';
import {
  checkExport,
  exportOnnx,
  halveWeights,
  type ModelMetadata,
  modelMetadataSchema,
  readMetadata,
  type WeightBits,
  withMetadata,
} from '../../deploy/index.js';
import type { Store, StoredPrecision } from '../../store/index.js';
import { renderingOf, type DatasetRef, type SplitName } from '../../trainers/index.js';
import { evaluateOnSplit, quantizeOnDataset } from '../models/on-dataset.js';
import { imagesOfRun } from '../inputs.js';
import { latencyFact } from '../finishing/save.js';
import type { ExportSource } from './source.js';
import { createDevice, DeviceUnavailable, type DeviceConfig } from '../../latency-models/index.js';
import { weightBitsFor } from '../compress/verdict.js';
import { settledWeightBits } from '../compression.js';

/** Number formats for the kernels of a float file. */
export const weightFormats = ['fp32', 'fp16'] as const;
export type WeightFormat = (typeof weightFormats)[number];

export interface OnnxFileOptions {
  readonly precision: StoredPrecision;
  /** `fp16` goes with the precision fp32 only. */
  readonly weights: WeightFormat;
  /** Computes the file: ONNX Runtime (default), or integers that never saturate, as phones and microcontrollers have them. */
  readonly runs?: 'onnxruntime' | 'exactly';
  /** Threads of ONNX Runtime; default 1. */
  readonly threads?: number;
  readonly onProgress?: (what: string, done: number, total: number) => void;
  /** Called with warnings about a file that is written anyway. */
  readonly onWarning?: (message: string) => void;
}

export interface ExportedOnnx {
  readonly model: Uint8Array;
  readonly metadata: ModelMetadata;
  /** Of an int8 file: the main scores of the float one, where they are known. */
  readonly float?: ModelMetadata['accuracy'];
  /** Results of the test images by class, where they are known. */
  readonly tested?: Details | undefined;
}

/** A file of nas with its metadata. */
export const describedFile = (model: Uint8Array): ExportedOnnx => ({
  model,
  metadata: modelMetadataSchema.parse(readMetadata(model)),
});

interface Making {
  readonly store: Store;
  readonly workdir: string;
  readonly source: ExportSource;
  readonly options: OnnxFileOptions;
}

/** The run's own float file, or a new one that is checked against the network. */
async function float({
  store,
  source: { number, written, trained },
}: Pick<Making, 'store' | 'source'>): Promise<ExportedOnnx> {
  const tested = testedBy(store, number, 'fp32');
  const file = written('fp32');
  if (file !== undefined) return { ...describedFile(file), tested };
  const { model, metadata } = await trained();
  const bytes = exportOnnx(model, metadata);
  await checkExport(bytes, model, metadata.task);
  return { model: bytes, metadata, tested };
}

/** Results of the test images by class, which the run stored for a trial. */
export const testedBy = (store: Store, trial: number, precision: StoredPrecision): Details | undefined =>
  store.classResults.of(trial).findLast((one) => one.precision === precision && one.split === 'test')?.details;

/** The run's data in the size that a network takes. */
async function dataFor({ store, workdir, options }: Making, { input }: ModelMetadata): Promise<DatasetRef> {
  const { data } = trainingExperimentOf(store, workdir);
  return imagesOfRun(store, workdir, {
    renderings: [{ ...renderingOf(data), size: [input[0], input[1]] }],
    onProgress: (done, total) => options.onProgress?.('images converted', done, total),
  });
}

async function scoresOn(
  model: Uint8Array,
  dataset: DatasetRef,
  split: SplitName,
  { threads = 1, onProgress }: OnnxFileOptions,
): Promise<Scores> {
  const report = (done: number, total: number) => onProgress?.(`${split} images`, done, total);
  return evaluateOnSplit(model, dataset, split, { threads, onProgress: report });
}

/** The run's own int8 file, or one made of the float file as the run would make it. */
async function int8(making: Making): Promise<ExportedOnnx> {
  const { store, workdir, source, options } = making;
  const { runs, threads = 1, onProgress, onWarning = () => undefined } = options;
  const file = source.written('int8');
  const written = file && describedFile(file);
  // Weights of 7 bits are for some PCs.
  if (written !== undefined && (runs !== 'exactly' || written.metadata.quantization?.weight_bits !== 7)) {
    const own = source.written('fp32');
    const tested = testedBy(store, source.number, 'int8');
    return { ...written, float: own && describedFile(own).metadata.accuracy, tested };
  }
  const { model, metadata } = await float(making);
  const experiment = trainingExperimentOf(store, workdir);
  const dataset = await dataFor(making, metadata);
  const weightBits = runs === 'exactly' ? 8 : await exportedWeightBits(store, experiment.latency.device, onWarning);
  const quantized = await quantizeOnDataset(model, dataset, {
    ...experiment.compress.calibration,
    seed: experiment.seed,
    weightBits,
    threads,
    onProgress: (step, done, total) => onProgress?.(`images, ${step}`, done, total),
  });
  const slow = runs === 'exactly' ? [] : quantized.warnings;
  for (const warning of [...slow, ...quantized.fewer]) onWarning(warning);
  const { method, images, accuracy, detection } = quantized;
  const measured = store.measurements.of(source.number).findLast(({ precision }) => precision === 'int8');
  const test = await scoresOn(quantized.model, dataset, 'test', options);
  const own: ModelMetadata = {
    ...metadata,
    // The float file's latency is not this one's.
    latency: undefined,
    precision: 'int8',
    quantization: { method, images, weight_bits: weightBits },
    ...(detection && { detection }),
    accuracy: { validation: accuracy.int8, test: test.accuracy },
    ...latencyFact(store, measured),
  };
  return {
    model: withMetadata(quantized.model, own),
    metadata: own,
    float: { ...metadata.accuracy, validation: accuracy.fp32 },
    tested: test.details,
  };
}

/** Rounding weights to three digits may flip a few images at the border between two classes. */
const tolerance = 0.002;

/** The float file with its kernels in 16 bits. */
async function halved(making: Making): Promise<ExportedOnnx> {
  const { source, options } = making;
  const { model, metadata } = await float(making);
  const smaller = halveWeights(model, `trial ${source.number}`);
  const [before, after] = [await executedBy(model), await executedBy(smaller)];
  if (JSON.stringify(after.operators) !== JSON.stringify(before.operators))
    throw new NasError('failure', 'ONNX Runtime runs other operators where weights have 16 bits: nothing is written', {
      hint: 'Export with --weights fp32.',
    });
  const dataset = await dataFor(making, metadata);
  const on = (split: SplitName) => scoresOn(smaller, dataset, split, options);
  const [validation, test] = [await on('validation'), await on('test')];
  const accuracy = { validation: validation.accuracy, test: test.accuracy };
  const float32 = metadata.accuracy?.validation;
  const { type } = metadata.task ?? classification;
  if (float32 !== undefined && Math.abs(accuracy.validation - float32) > tolerance)
    options.onWarning?.(
      `with weights of 16 bits, validation ${mainScores[type].title} is ${scoreText(type, accuracy.validation)}; with 32 bits ${scoreText(type, float32)}`,
    );
  const own: ModelMetadata = { ...metadata, precision: 'fp32', weight_format: 'fp16', accuracy };
  return { model: withMetadata(smaller, own), metadata: own, tested: test.details };
}

/**
 * The ONNX file of a trained network in a precision: the run's own where it wrote one, else made and checked now. Its
 * accuracy was found with this file; its latency is the run's measurement in this precision.
 * @throws NasError `invalid-input` when there are no weights, for int8 with weights of 16 bits, or as `quantizeClassifier`
 */
export async function onnxFile(
  store: Store,
  workdir: string,
  source: ExportSource,
  options: OnnxFileOptions,
): Promise<ExportedOnnx> {
  const { precision, weights } = options;
  const making = { store, workdir, source, options };
  if (precision === 'fp32') return weights === 'fp32' ? float(making) : halved(making);
  if (weights === 'fp32') return int8(making);
  throw invalidInput(`trial ${source.number} is exported as int8: its weights are bytes, not of 16 bits`, {
    hint: 'Leave --weights out, or say --precision fp32.',
  });
}

/**
 * The bits of the weights of a run's int8 files: as the run settled them, or 7 where its device sums products of bytes in
 * 16 bits. Where the device does not report that, 7 bits are exact everywhere.
 * @param onWarning called with the reason why the device was not asked
 */
export async function exportedWeightBits(
  store: Pick<Store, 'events'>,
  device: DeviceConfig,
  onWarning: (message: string) => void,
): Promise<WeightBits> {
  const before = settledWeightBits(store);
  if (before !== undefined) return before;
  if (device.type === 'worker') {
    onWarning(`weights have 7 bits, which are exact everywhere: workers (${device.tag}) are asked by nas run alone`);
    return 7;
  }
  try {
    return weightBitsFor((await createDevice(device).integers?.()) ?? 'saturating');
  } catch (error) {
    if (!(error instanceof DeviceUnavailable)) throw error;
    onWarning(`weights have 7 bits, which are exact everywhere: ${messageOf(error)}`);
    return 7;
  }
}
