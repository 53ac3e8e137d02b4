import * as tf from '@tensorflow/tfjs-core';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { DeviceFailure, messageOf, NasError } from '../../base/errors.js';
import { makeDirectory, writeFileAtomic } from '../../base/files.js';
import { importFunction } from '../../base/modules.js';
import { countInstructions, exportOnnx, timedProgram, withMetadata, type ModelMetadata } from '../../deploy/index.js';
import { createDevice, type Measurement } from '../../latency-models/index.js';
import { createSpace } from '../../spaces/index.js';
import {
  describeDataset,
  evaluateMember,
  fit,
  type FitHooks,
  fitSupernet,
  prepareTeacher,
  saveWeights,
  tuneParts,
  type SplitName,
} from '../../trainers/index.js';
import { candidateModel, candidateOnnx, timedOnnx } from './candidate-model.js';
import { evaluateOnSplit, quantizeOnDataset } from '../models/on-dataset.js';
import { withThresholds } from '../models/file-facts.js';
import type { EvaluatorModule } from '../../experiments/schema/search-settings.js';
import { convertInitial } from '../initial-weights/index.js';
import type {
  EvaluateResult,
  ExportResult,
  InstructionsResult,
  IntegersResult,
  Job,
  JobContext,
  JobOf,
  QuantizeResult,
  ResultOf,
} from './jobs.js';

export function runJob<K extends Job['kind']>(job: JobOf<K>, context: JobContext): Promise<ResultOf<JobOf<K>>> {
  return works[job.kind as K](job, context);
}

type Work<K extends Job['kind']> = (job: JobOf<K>, context: JobContext) => Promise<ResultOf<JobOf<K>>>;

const works: { readonly [K in Job['kind']]: Work<K> } = {
  /** Trains or loads the teacher and computes its logits of every training image. */
  teacher: ({ config, options }, context) =>
    prepareTeacher(config, {
      ...options,
      hooks: {
        ...hooks(context),
        onLogits: counting(context, 'images'),
        onPart: (part, done, total) => counting(context, tuneParts[part])(done, total),
      },
    }),
  initial: initialJob,
  train: (job, context) => fit(job.fit, hooks(context)),
  supernet: (job, context) => fitSupernet(job.supernet, hooks(context)),
  member: async ({ member, keep }, { signal, pause }) => {
    const between = async () => {
      await pause();
      if (signal.aborted) throw new NasError('interrupted', 'the evaluation was stopped');
    };
    const { accuracy, details, weights } = await evaluateMember(member, { between });
    if (keep !== undefined) saveWeights(weights, keep);
    return { accuracy, details };
  },
  measure: measureJob,
  evaluate: evaluateJob,
  export: exportJob,
  quantize: quantizeJob,
  integers: integersJob,
  instructions: instructionsJob,
};

/** Reports progress as `count` events. */
const counting =
  ({ onEvent }: JobContext, what: string) =>
  (done: number, total: number): void =>
    onEvent({ kind: 'count', done, total, what });

const hooks = ({ onEvent, signal, pause }: JobContext): FitHooks => ({
  onEpoch: (metrics, task) => onEvent({ kind: 'epoch', metrics, task }),
  onProgress: (progress) => onEvent({ kind: 'progress', progress }),
  onNote: (message) => onEvent({ kind: 'note', message }),
  onFile: (path) => onEvent({ kind: 'file', path }),
  signal,
  pause,
});

/** Converts the trained weights of a file into initial weights for the networks of a space. */
async function initialJob(
  { path, space: { config, task }, dataset, file, meta }: JobOf<'initial'>,
  context: JobContext,
): Promise<null> {
  // Otherwise TF.js advertises its native package on the console.
  tf.enableProdMode();
  const space = await createSpace(config, task);
  await convertInitial(path, { space, dataset, file, meta, onProgress: counting(context, 'images') });
  return null;
}

async function evaluateJob(
  { path, names, subject, epochs, folder }: JobOf<'evaluate'>,
  { signal, pause }: JobContext,
): Promise<EvaluateResult> {
  const signature = '({choices, network, seed, ...}, {signal, pause, epochs, folder}) => values';
  const evaluate = await importFunction<EvaluatorModule>(path, 'evaluate.path', signature);
  await pause();
  const own = folder ?? mkdtempSync(join(tmpdir(), 'nas-evaluation-'));
  try {
    makeDirectory(own);
    // Checked below, whatever its type says.
    const given: unknown = await evaluate(subject, { signal, pause, epochs, folder: own });
    const values = typeof given === 'object' && given !== null ? (given as Readonly<Record<string, unknown>>) : {};
    return { values: Object.fromEntries(names.map((name) => [name, numberOf(values[name], name)])) };
  } catch (error) {
    return signal.aborted ? { interrupted: true } : { failed: messageOf(error) };
  } finally {
    if (folder === null) rmSync(own, { recursive: true, force: true });
  }
}

function numberOf(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new Error(`the module gave ${name}: ${inspect(value)}; expected a finite number`);
}

/** Measures the candidates side by side; each is exported to ONNX when the device asks for it. */
async function measureJob(
  { device: config, candidates, space: { config: space, task }, protocol, id }: JobOf<'measure'>,
  context: JobContext,
): Promise<readonly Measurement[]> {
  const { signal } = context;
  const device = createDevice(config, config.type === 'table' ? { space: await createSpace(space, task) } : {});
  const subjects = candidates.map(({ choices, precision = 'fp32', ...candidate }) => ({
    // A serial device quantizes the float32 file itself.
    model: () => timedOnnx(candidate, config.type === 'serial' ? 'fp32' : precision),
    choices,
  }));
  const onProgress = counting(context, 'blocks');
  return device.measureAll(subjects, protocol, { signal, id, onProgress });
}

/** Asks a device whether it sums products of bytes exactly; a device that does not know counts as exact. */
async function integersJob({ device: config }: JobOf<'integers'>): Promise<IntegersResult> {
  const device = createDevice(config, {});
  return (await device.integers?.()) ?? 'exact';
}

/** Counts the instructions of an untrained network's int8 program under QEMU. A network that does not fit is at fault itself. */
async function instructionsJob(
  { candidate, core }: JobOf<'instructions'>,
  { signal, pause }: JobContext,
): Promise<InstructionsResult> {
  const program = await timedProgram(candidateOnnx(candidate), 'the network');
  await pause();
  try {
    return { instructions: await countInstructions(program, core, { signal, between: pause }) };
  } catch (error) {
    if (signal.aborted) throw new NasError('interrupted', 'counting instructions was stopped');
    if (error instanceof NasError && error.code === 'invalid-input') return { failed: messageOf(error) };
    // The compiler or QEMU: another attempt may succeed.
    throw new DeviceFailure('lost', messageOf(error), { cause: error });
  }
}

/** Quantizes a trained network, and evaluates it beside the float one on the validation images. */
async function quantizeJob(
  { candidate, dataset, calibration, seed, weightBits, threads }: JobOf<'quantize'>,
  context: JobContext,
): Promise<QuantizeResult> {
  const { signal, pause } = context;
  const model = candidateOnnx(candidate, describeDataset(dataset).task);
  const [height, width] = candidate.network.input;
  await pause();
  try {
    const { method, accuracy, scores, tried, images } = await quantizeOnDataset(model, dataset, {
      ...calibration,
      seed,
      size: [height, width],
      weightBits,
      threads,
      signal,
      between: pause,
      onProgress: (_, done, total) => counting(context, 'images')(done, total),
    });
    return { method, accuracy, scores, tried, images };
  } catch (error) {
    if (signal.aborted) throw new NasError('interrupted', 'quantizing was stopped');
    // The network is at fault: others may succeed.
    if (error instanceof NasError && error.code === 'invalid-input') return { failed: messageOf(error) };
    throw error;
  }
}

/**
 * Writes a trained network as ONNX, quantized where asked for. Its accuracy in ONNX Runtime on both splits is part of its
 * metadata.
 */
async function exportJob(job: JobOf<'export'>, context: JobContext): Promise<ExportResult> {
  const { dataset, threads, path } = job;
  const onProgress = counting(context, 'images');
  const { bytes, metadata } = await exported(job, context.signal, onProgress);
  const options = { threads, keepsWrong: true, seed: metadata.seed, onProgress };
  const on = (model: Uint8Array, split: SplitName, thresholds: 'stored' | 'best') =>
    evaluateOnSplit(model, dataset, split, { ...options, thresholds });
  const validation = await on(bytes, 'validation', 'best');
  const settled = withThresholds(metadata, validation.details);
  const test = await on(settled === metadata ? bytes : withMetadata(bytes, settled), 'test', 'stored');
  const accuracy = { validation: validation.accuracy, test: test.accuracy };
  const file = withMetadata(bytes, { ...settled, accuracy });
  if (path !== null) writeFileAtomic(path, file);
  const details = { validation: validation.details, test: test.details };
  return { bytes: file.byteLength, sha256: createHash('sha256').update(file).digest('hex'), accuracy, details };
}

async function exported(
  { candidate, metadata, quantization, dataset, threads }: JobOf<'export'>,
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void,
): Promise<{ readonly bytes: Uint8Array; readonly metadata: ModelMetadata }> {
  const bytes = exportOnnx(candidateModel(candidate), metadata);
  if (quantization === undefined) return { bytes, metadata };
  const { method, ...options } = quantization;
  const { model, images } = await quantizeOnDataset(bytes, dataset, {
    ...options,
    methods: [method],
    threads,
    signal,
    onProgress: (_, done, total) => onProgress(done, total),
  });
  const how = { method, images, weight_bits: options.weightBits };
  return { bytes: model, metadata: { ...metadata, quantization: how } };
}
