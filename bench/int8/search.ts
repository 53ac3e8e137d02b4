import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash } from '../../base/hash.js';
import { integerArithmetic } from '../../compiler/index.js';
import { exportOnnx, quantizeClassifier } from '../../deploy/index.js';
import { databasePath } from '../../runner/stored/workdir.js';
import { runExperiment, trainedModel } from '../../runner/index.js';
import { isTrainingExperiment, loadExperiment, type TrainingExperiment } from '../../experiments/index.js';
import { frontierCandidates } from '../../runner/stored/candidates.js';
import { Store } from '../../store/index.js';
import { describeDataset, prepareDataset, renderingOf, type DatasetRef } from '../../trainers/index.js';
import { imagesOf, stream } from './images.js';

/** Runs of the same experiment that differ only in `compress.int8`. */
export const runs = { 'fp32 alone': 'off', 'with int8': 'auto' } as const;
export type RunName = keyof typeof runs;

export interface SearchOptions {
  /** Path of the experiment file. */
  readonly experiment: string;
  /** Caches finished runs. */
  readonly folder: string;
  readonly progress: (line: string) => void;
}

/** A network of a run's frontier in one precision. */
export interface Candidate {
  readonly run: RunName;
  readonly trial: number;
  readonly precision: 'fp32' | 'int8';
  readonly model: Uint8Array;
  /** Equal for equal networks in one precision: latency does not depend on the weights. */
  readonly latencyKey: string;
  /** Input height and width. */
  readonly size: readonly [height: number, width: number];
}

/** The result of a run. */
export interface FinishedRun {
  /** Wall seconds, including training, measuring and quantizing. */
  readonly seconds: number;
  /** The frontier reported by the run. */
  readonly frontier: readonly Candidate[];
  /** The frontier's float networks, quantized after the run. */
  readonly afterwards: readonly Candidate[];
}

const workdirOf = (folder: string, name: RunName): string => join(folder, `search-${runs[name]}`);

/** Runs one of the two searches unless it is cached. @returns its wall seconds. */
async function search(name: RunName, { experiment, folder, progress }: SearchOptions): Promise<number> {
  const cached = join(folder, `search-${runs[name]}.json`);
  // Written below.
  if (existsSync(cached)) return (JSON.parse(readFileSync(cached, 'utf8')) as { seconds: number }).seconds;
  const start = performance.now();
  const loaded = loadExperiment(experiment, { set: [`compress.int8=${runs[name]}`] });
  await runExperiment(loaded, { workdir: workdirOf(folder, name), fresh: true }, (event) => {
    if (event.kind === 'trial-finished') progress(`${name}: trial ${event.number} ${event.state}`);
  });
  const seconds = (performance.now() - start) / 1e3;
  writeFileSync(cached, JSON.stringify({ seconds }));
  return seconds;
}

/** Quantizes as the experiment does, with a weight width that this machine computes exactly. */
async function quantize(
  model: Uint8Array,
  { compress }: TrainingExperiment,
  dataset: DatasetRef,
  size: Candidate['size'],
): Promise<Uint8Array> {
  const { images: count, methods, percentile } = compress.calibration;
  const [height, width] = size;
  const calibration = await imagesOf(dataset, 'train', { draw: { count, seed: 1 }, size });
  const validation = await imagesOf(dataset, 'validation', { size });
  const quantized = await quantizeClassifier(model, {
    data: { ...describeDataset(dataset), height, width },
    calibration: () => stream(calibration),
    validation: () => stream(validation),
    methods,
    percentile,
    weightBits: (await integerArithmetic()) === 'saturating' ? 7 : 8,
  });
  return quantized.model;
}

/** Runs one of the searches unless it is cached, and builds the models of its frontier. */
export async function finishedRun(run: RunName, options: SearchOptions): Promise<FinishedRun> {
  const seconds = await search(run, options);
  const workdir = workdirOf(options.folder, run);
  const { experiment } = loadExperiment(options.experiment);
  if (!isTrainingExperiment(experiment)) throw new Error(`${options.experiment} trains no networks`);
  const store = Store.open(databasePath(workdir), { readonly: true });
  try {
    const frontier: Candidate[] = [];
    const afterwards: Candidate[] = [];
    for (const { trial, precision } of frontierCandidates(store.trials.all(), experiment.objectives)) {
      const { model, metadata } = await trainedModel(store, workdir, trial.number);
      const [height, width] = model.network.input;
      const own = { run, trial: trial.number, size: [height, width] as const };
      const renderings = [{ ...renderingOf(experiment.data), size: own.size }];
      const dataset = await prepareDataset(experiment.data, { renderings });
      const fp32 = exportOnnx(model, metadata);
      const int8 = await quantize(fp32, experiment, dataset, own.size);
      const candidate = (of: Candidate['precision'], file: Uint8Array): Candidate => ({
        ...own,
        precision: of,
        model: file,
        latencyKey: contentHash(model.network, of),
      });
      frontier.push(candidate(precision, precision === 'fp32' ? fp32 : int8));
      if (precision === 'fp32') afterwards.push(candidate('int8', int8));
    }
    return { seconds, frontier, afterwards };
  } finally {
    store.close();
  }
}
