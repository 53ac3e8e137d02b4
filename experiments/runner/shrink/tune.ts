import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { NasError } from '../../../base/errors.js';
import type { ModelMetadata } from '../../../deploy/index.js';
import type { Network } from '../../../spaces/index.js';
import type { ShrunkRecord } from '../../../store/index.js';
import { fineTuning, type PreparedTeacher, type TrainConfig } from '../../../trainers/index.js';
import { epochsText } from '../../../base/number-text.js';
import type { TrainingContext } from '../plan.js';
import type { Accuracies } from '../jobs/jobs.js';
import { phaseTraining } from '../jobs/training.js';
import { teacherOrder } from '../jobs/preparations.js';
import { shrunkFiles, shrunkFolder } from '../../stored/workdir.js';
import { counting } from './measure.js';

/** A network that was cut, and what it came from. */
export interface Tuning {
  readonly record: ShrunkRecord;
  readonly seed: number;
  readonly parent: Network;
  /** What the network's file is to say of itself, but for accuracies and latency. */
  readonly metadata: ModelMetadata;
  /** Of the parent, as far as they are known. */
  readonly known: Partial<Accuracies>;
}

/**
 * Trains a network that was cut, taught by what it came from, and keeps it as ONNX with its accuracy on both splits; from
 * its checkpoint when there is one.
 * @throws NasError `failure` when the training fails; `interrupted` when the user stopped it
 */
export async function tune(context: TrainingContext, tuning: Tuning): Promise<void> {
  const { plan, jobs, store, observe } = context;
  const { record, seed, parent, metadata, known } = tuning;
  const { number, epochs, latencies } = record;
  // Stored by `begin`.
  const network = record.network as Network;
  const directory = join(plan.workdir, shrunkFolder(number));
  const files = shrunkFiles(directory);
  const train = fineTuning(plan.experiment.train, epochs);

  const scored = async (what: 'parent' | 'cut', candidate: { network: Network; weights: string }) => {
    const { accuracy } = await jobs.submit({
      id: `score/shrunk/${number}/${what}`,
      job: {
        kind: 'export',
        candidate: { ...candidate, seed },
        path: null,
        metadata,
        dataset: plan.dataset,
        threads: plan.threads,
      },
      sharing: 'shared',
    }).result;
    return accuracy;
  };
  const parentAccuracy: Accuracies =
    known.validation !== undefined && known.test !== undefined
      ? { validation: known.validation, test: known.test }
      : await scored('parent', { network: parent, weights: files.parent });
  const before = await scored('cut', { network, weights: files.cut });

  observe({
    kind: 'phase',
    name: 'shrink',
    message: `Fine-tuning the network for ${epochsText(epochs)}, taught by what it was`,
  });
  const teacher = await teacherOf(context, `trial ${record.parent}`, parent, files.parent, train);
  const { listener, record: keep } = phaseTraining(context, 'shrink', { stage: 'shrunk', shrunk: number }, train);
  const result = await jobs.submit(
    {
      id: `train/shrunk/${number}`,
      job: {
        kind: 'train',
        fit: {
          network,
          seed,
          train,
          dataset: plan.dataset,
          teacher,
          engine: plan.engine,
          threads: plan.threads,
          directory,
          initial: { file: files.cut },
        },
      },
      sharing: 'shared',
    },
    listener,
  ).result;
  if (result.state !== 'complete') throw new NasError('interrupted', 'the fine-tuning was interrupted');
  result.curve.forEach(keep);

  const exported = await jobs.submit({
    id: `export/shrunk/${number}`,
    job: {
      kind: 'export',
      candidate: { network, seed, weights: result.weights },
      path: files.onnx,
      metadata: {
        ...metadata,
        network,
        ...(latencies === null
          ? {}
          : { latency: { ms: latencies.own, provenance: 'measured', device: latencies.device } }),
      },
      dataset: plan.dataset,
      threads: plan.threads,
    },
    sharing: 'shared',
  }).result;
  store.transaction(() => {
    store.artifacts.add(
      { stage: 'shrunk', shrunk: number },
      { kind: 'onnx', path: shrunkFiles(shrunkFolder(number)).onnx, sha256: exported.sha256, bytes: exported.bytes },
    );
    store.shrunk.finish(number, {
      state: 'complete',
      accuracy: exported.accuracy.validation,
      testAccuracy: exported.accuracy.test,
      accuracyBefore: before.validation,
      testAccuracyBefore: before.test,
      parentAccuracy: parentAccuracy.validation,
      parentTestAccuracy: parentAccuracy.test,
      seconds: result.curve.reduce((sum, epoch) => sum + epoch.seconds, 0),
    });
  });
  for (const file of [files.parent, files.cut]) rmSync(file, { force: true });
}

/** The parent as a teacher: what it says of every view of the training images. */
async function teacherOf(
  context: TrainingContext,
  name: string,
  network: Network,
  weights: string,
  train: TrainConfig,
): Promise<PreparedTeacher> {
  const order = teacherOrder(context, name, { type: 'network', name, network, weights }, train);
  const teacher = await context.jobs.submit(order, counting(context.observe)).result;
  if (teacher === null) throw new Error('a network teaches nothing');
  return teacher;
}
