import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { invalidInput, NasError } from '../../base/errors.js';
import { epochsText } from '../../base/number-text.js';
import { type TaskType, isBoxTask, isMapTask } from '../../base/task.js';
import { exportOnnx, type ModelMetadata } from '../../deploy/index.js';
import { createDevice, type ReachableDevice } from '../../latency-models/index.js';
import {
  mapTaskOf,
  channelGroups,
  costs,
  detectionOf,
  keptChannels,
  type Importance,
  type Network,
} from '../../spaces/index.js';
import { cutWeights, type Model } from '../../spaces/models/index.js';
import {
  channelImportance,
  describeDataset,
  fineTuning,
  fineTuningEpochs,
  fit,
  prepareTeacher,
  readWeights,
  saveWeights,
  unfoldBatchNorm,
  withDataset,
  withStepsOn,
  type DataConfig,
  type DatasetInfo,
  type DatasetRef,
  type EngineChoice,
  type FitHooks,
  type SplitName,
  type TrainConfig,
} from '../../trainers/index.js';
import type { RunObserver } from '../events.js';
import { candidateOnnx } from '../jobs/candidate-model.js';
import { fileFacts, withThresholds } from '../models/file-facts.js';
import { evaluateOnSplit } from '../models/on-dataset.js';
import { preparedOtherwise } from '../models/quantize-file.js';
import { cutToBudget, type ShrinkTarget } from './cut.js';
import type { ShrinkSubject } from './subject.js';

export interface ShrinkRequest {
  readonly subject: ShrinkSubject;
  readonly target: ShrinkTarget;
  /** New widths are multiples of this. */
  readonly multiple: number;
  /** Epochs of the fine-tuning; default: half of `train.epochs`, at least 1. */
  readonly epochs?: number | undefined;
  /** The device to measure latency on; null: a budget of MACs needs none. */
  readonly device: ReachableDevice | null;
  readonly data: DataConfig;
  /** Of `data`, in the size of the model's images. */
  readonly dataset: DatasetRef;
  /** A whole training on the data; the fine-tuning follows from it. */
  readonly train: TrainConfig;
  readonly engine: EngineChoice;
  readonly threads: number;
}

/** Main scores and costs of a network. */
export interface ShrunkStage {
  readonly validation: number;
  readonly test: number;
  readonly macs: number;
  readonly params: number;
  /** In ms; null when no latency was measured. */
  readonly latency: number | null;
}

/** Result of `nas shrink`. */
export interface ShrunkReport extends Pick<ShrinkRequest, 'target' | 'multiple'> {
  readonly model: string;
  readonly task: TaskType;
  readonly epochs: number;
  /** Device of the latencies, which were measured side by side; null without any. */
  readonly device: string | null;
  /** Channels that remain, by channel group. */
  readonly widths: Readonly<Record<string, number>>;
  /** The network as it was, as it was cut, and after the fine-tuning. */
  readonly whole: ShrunkStage;
  readonly cut: ShrunkStage;
  readonly tuned: ShrunkStage;
  readonly warnings: readonly string[];
}

/** @throws NasError `invalid-input` when the outputs of the model are not those for the data */
function checkOutputs({ name, model, metadata }: ShrinkSubject, { classes, counts, task }: DatasetInfo): void {
  const head = detectionOf(model.network);
  if ((isMapTask(task.type) ? task.type : null) !== (head && mapTaskOf(head)))
    throw invalidInput(
      `${name} is ${head === null ? 'a classifier' : `for ${mapTaskOf(head)}`}, and the data is for ${task.type}`,
      {
        hint: 'Give the data that it was trained on: --data experiment.yaml, or the folder of its run.',
      },
    );
  if (counts.test === 0) throw invalidInput('the data has no test images', { hint: 'Set data.test above 0.' });
  const known = metadata.classes;
  if (known === undefined || String(known) === String(classes)) return;
  const [own, given] = [known, classes].map((names) => names.slice(0, 5).join(', '));
  throw invalidInput(`${name} has the classes ${own}; the data has ${given}`, {
    hint: 'Give the data that it was trained on: --data experiment.yaml, or the folder of its run.',
  });
}

/** The metadata of a cut network's file: how to use it, without its place in the space. */
function shrunkMetadata(
  { name, metadata }: ShrinkSubject,
  info: DatasetInfo,
  data: DataConfig,
  { input }: Network,
): ModelMetadata {
  const { preprocess, detection, segmentation, experiment, seed } = metadata;
  return {
    ...fileFacts(info, data, input),
    ...(preprocess && { preprocess }),
    ...{ detection, segmentation, experiment, seed },
    ...{ weights: 'trained', precision: 'fp32', shrunk_from: name },
  };
}

/**
 * Cuts channels out of a trained network until it meets a budget, and fine-tunes the rest with the whole network as teacher. It
 * writes no file that stays.
 * @returns the ONNX file, with metadata, and the report
 * @throws NasError as `cutToBudget`; `interrupted` when the signal is aborted; `invalid-input` when model and data do not fit;
 *   `failure` when the fine-tuning diverges
 */
export async function shrinkFile(
  request: ShrinkRequest,
  observe: RunObserver,
  signal: AbortSignal,
): Promise<{ readonly model: Uint8Array; readonly report: ShrunkReport }> {
  // Otherwise TF.js advertises its native package on the console.
  tf.enableProdMode();
  const folder = mkdtempSync(join(tmpdir(), 'nas-shrink-'));
  try {
    return await shrinkIn(folder, request, observe, signal);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function shrinkIn(
  folder: string,
  request: ShrinkRequest,
  observe: RunObserver,
  signal: AbortSignal,
): ReturnType<typeof shrinkFile> {
  const { subject, target, multiple, data, engine, threads } = request;
  const { name, seed } = subject;
  const head = detectionOf(subject.model.network);
  const task = head === null ? undefined : mapTaskOf(head);
  // The same boxes are for both kinds of detectors.
  const dataset = isBoxTask(task) ? { ...request.dataset, task } : request.dataset;
  const info = describeDataset(dataset);
  checkOutputs(subject, info);
  const begin = (message: string): void => {
    if (signal.aborted) throw interrupted();
    observe({ kind: 'phase', name: 'shrink', message });
  };
  const counting = (unit: string) => (done: number, total: number) =>
    observe({ kind: 'progress', phase: 'shrink', done, total, unit });
  const device = request.device === null ? null : createDevice(request.device);
  const measured = async (networks: readonly Network[]) =>
    device?.measureAll(
      networks.map((network) => candidateOnnx({ network, seed })),
      undefined,
      { signal, onProgress: counting('blocks') },
    );
  const latencyOf = async (network: Network): Promise<number> => (await measured([network]))?.[0].ms ?? NaN;

  begin(`Comparing ${name} with the budget`);
  const whole = subject.isFolded
    ? await withDataset(dataset, (open) =>
        unfoldBatchNorm(subject.model, open, head === null ? {} : { batch: request.train.batch }),
      )
    : subject.model;
  const { network } = whole;
  const weights = { whole: join(folder, 'whole.bin'), cut: join(folder, 'cut.bin') };
  saveWeights(whole.weights, weights.whole);
  const batch = Math.min(64, request.train.batch);
  const importanceOf = (): Promise<Importance> => {
    begin(`Finding out which channels of ${name} matter`);
    return channelImportance(
      { network, weights: weights.whole, dataset, seed, engine, threads, batch },
      { signal, onProgress: counting('images') },
    );
  };
  const byLatency = target.objective === 'latency_ms' ? latencyOf : null;
  const cut = await cutToBudget(network, importanceOf, { name, target, multiple, latencyOf: byLatency });
  const groups = channelGroups(network);
  const kept = cutWeights(whole.weights, groups, keptChannels(groups, cut.importance, cut.widths));
  saveWeights(kept, weights.cut);
  // Latencies are only comparable within one measurement.
  const latencies = await measured([network, cut.network]);

  const train = withStepsOn(info.counts.train, request.train);
  const epochs = request.epochs ?? fineTuningEpochs(train);
  begin(`Fine-tuning the network for ${epochsText(epochs)}, with the uncut network as teacher`);
  const tuning = fineTuning(train, epochs);
  const hooks = hooksFor(tuning, observe, signal);
  const teaching = { dataset, train: tuning, seed, engine, threads, hooks: { ...hooks, onLogits: counting('images') } };
  const teacher = await prepareTeacher({ type: 'network', name, network, weights: weights.whole }, teaching);
  const trained = await fit(
    {
      network: cut.network,
      seed,
      train: tuning,
      dataset,
      teacher,
      engine,
      threads,
      directory: folder,
      initial: { file: weights.cut },
    },
    hooks,
  );
  if (trained.state !== 'complete') throw interrupted();

  begin('Evaluating the networks on the validation and the test images');
  const metadata = shrunkMetadata(subject, info, data, network);
  const stage = async (of: Model, ms: number | undefined, facts = metadata) => {
    const file = exportOnnx(of, facts);
    const on = async (split: SplitName) =>
      (await evaluateOnSplit(file, dataset, split, { threads, onProgress: counting('images') })).accuracy;
    const { macs, params } = costs(of.network);
    return { validation: await on('validation'), test: await on('test'), macs, params, latency: ms ?? null };
  };
  const tunedModel = { network: cut.network, weights: readWeights(cut.network, trained.weights) };
  const tunedMetadata = withThresholds(metadata, trained.details);
  const [before, after] = latencies ?? [undefined, undefined];
  const stages = {
    whole: await stage(whole, before?.ms),
    cut: await stage({ network: cut.network, weights: kept }, after?.ms),
    tuned: await stage(tunedModel, after?.ms, tunedMetadata),
  };
  const { validation, test } = stages.tuned;
  const model = exportOnnx(tunedModel, {
    ...tunedMetadata,
    network: cut.network,
    accuracy: { validation, test },
    ...(after && { latency: { ms: after.ms, provenance: 'measured', device: after.environment.device } }),
  });
  const warnings = preparedOtherwise(subject.metadata, info);
  const report = {
    model: name,
    task: info.task.type,
    ...{ target, multiple, epochs, warnings },
    device: after?.environment.device ?? null,
    widths: Object.fromEntries(cut.widths),
    ...stages,
  };
  return { model, report };
}

const interrupted = (): NasError =>
  new NasError('interrupted', 'shrinking was interrupted', { hint: 'No file was written.' });

/** Progress of the fine-tuning, and of the teacher before it, as the events of a run. */
const hooksFor = ({ epochs, batch }: TrainConfig, observe: RunObserver, signal: AbortSignal): FitHooks => ({
  signal,
  pause: () => undefined,
  onNote: (message) => observe({ kind: 'note', message }),
  onProgress({ epoch, step, steps, imagesPerSecond }) {
    const detail = `epoch ${epoch + 1}/${epochs}, ${Math.round(imagesPerSecond)} images/s`;
    const [done, total, rate] = [epoch * steps + step, epochs * steps, imagesPerSecond / batch];
    observe({ kind: 'progress', phase: 'shrink', done, total, unit: 'steps', rate, detail });
  },
  onEpoch({ epoch, train_loss: trainLoss, validation_accuracy: validationAccuracy }, task) {
    observe({ kind: 'phase-epoch', phase: 'shrink', task, epoch, epochs, validationAccuracy, trainLoss });
  },
});
