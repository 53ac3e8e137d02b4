import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { NasError } from '../../base/errors.js';
import { epochsText } from '../../base/number-text.js';
import type { ModelMetadata } from '../../deploy/index.js';
import type { Network } from '../../spaces/index.js';
import type { ShrunkRecord } from '../../store/index.js';
import { fineTuning, type PreparedTeacher, type TrainConfig } from '../../trainers/index.js';
import { shrunkFiles, shrunkFolder } from '../stored/workdir.js';
import type { Accuracies, ExportResult } from '../jobs/jobs.js';
import { teacherOrder } from '../trainings/preparations.js';
import { phaseTraining } from '../trainings/training.js';
import type { TrainingContext } from '../plan.js';
import { counting } from './measure.js';

/** A network that was cut, and its parent. */
interface Tuning {
  readonly record: ShrunkRecord;
  readonly seed: number;
  readonly parent: Network;
  /** Of the network's file, without accuracies and latency. */
  readonly metadata: ModelMetadata;
  /** Of the parent, as far as they are known. */
  readonly known: Partial<Accuracies>;
}

/**
 * Trains a network that was cut, with its parent as teacher, from its checkpoint when there is one; writes it as ONNX with
 * its accuracy on both splits.
 * @throws NasError `failure` when the training fails; `interrupted` when the user stopped it
 */
export async function tune(context: TrainingContext, tuning: Tuning): Promise<void> {
  const { plan, jobs, store, observe } = context;
  const { dataset, engine, threads } = plan;
  const { record, seed, parent, metadata, known } = tuning;
  const { number, epochs, latencies } = record;
  // Stored by `begin`.
  const network = record.network as Network;
  const directory = join(plan.workdir, shrunkFolder(number));
  const files = shrunkFiles(directory);
  const train = fineTuning(plan.experiment.train, epochs);

  const exported = (
    id: string,
    candidate: { network: Network; weights: string },
    path: string | null = null,
    own: ModelMetadata = metadata,
  ): Promise<ExportResult> => {
    const job = { kind: 'export', candidate: { ...candidate, seed }, path, metadata: own, dataset, threads } as const;
    return jobs.submit({ id, job, sharing: 'shared' }).result;
  };
  const score = async (what: 'parent' | 'cut', candidate: { network: Network; weights: string }) =>
    (await exported(`score/shrunk/${number}/${what}`, candidate)).accuracy;
  const parentAccuracy: Accuracies =
    known.validation !== undefined && known.test !== undefined
      ? { validation: known.validation, test: known.test }
      : await score('parent', { network: parent, weights: files.parent });
  const before = await score('cut', { network, weights: files.cut });

  const message = `Fine-tuning the network for ${epochsText(epochs)}, with the uncut network as teacher`;
  observe({ kind: 'phase', name: 'shrink', message });
  const teacher = await teacherOf(context, `trial ${record.parent}`, parent, files.parent, train);
  const { listener, record: keep } = phaseTraining(context, 'shrink', { stage: 'shrunk', shrunk: number }, train);
  const fit = { network, seed, train, dataset, teacher, engine, threads, directory, initial: { file: files.cut } };
  const result = await jobs.submit(
    { id: `train/shrunk/${number}`, job: { kind: 'train', fit }, sharing: 'shared' },
    listener,
  ).result;
  if (result.state !== 'complete') throw new NasError('interrupted', 'the fine-tuning was interrupted');
  result.curve.forEach(keep);

  const candidate = { network, weights: result.weights };
  const { accuracy, sha256, bytes } = await exported(`export/shrunk/${number}`, candidate, files.onnx, {
    ...metadata,
    network,
    ...(latencies === null ? {} : { latency: { ms: latencies.own, provenance: 'measured', device: latencies.device } }),
  });
  store.transaction(() => {
    const path = shrunkFiles(shrunkFolder(number)).onnx;
    store.artifacts.add({ stage: 'shrunk', shrunk: number }, { kind: 'onnx', path, sha256, bytes });
    store.shrunk.finish(number, {
      state: 'complete',
      accuracy: accuracy.validation,
      testAccuracy: accuracy.test,
      accuracyBefore: before.validation,
      testAccuracyBefore: before.test,
      parentAccuracy: parentAccuracy.validation,
      parentTestAccuracy: parentAccuracy.test,
      seconds: result.curve.reduce((sum, epoch) => sum + epoch.seconds, 0),
    });
  });
  for (const file of [files.parent, files.cut]) rmSync(file, { force: true });
}

/** The parent as a teacher: its logits of every view of the training images. */
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
