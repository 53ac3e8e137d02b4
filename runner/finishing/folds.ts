import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../base/random.js';
import { counted } from '../../base/text.js';
import type { FoldRecord } from '../../store/index.js';
import { describeDataset, epochImages, fromTrained, type Fold } from '../../trainers/index.js';
import { foldFolder } from '../stored/workdir.js';
import { JobFailed, type JobOrder } from '../jobs/job-runner.js';
import type { TrainJob } from '../jobs/jobs.js';
import type { Preparations } from '../trainings/preparations.js';
import type { TrainingContext } from '../plan.js';
import { resultOfPart } from '../trainings/training.js';
import type { Finalist } from './final-training.js';
import { networksOf } from './measured-frontier.js';

/**
 * Trains the fully trained networks of the frontier on every fold of the training and validation images, by the settings of the final
 * training, and stores their accuracies. Trainings that an earlier part of the run has finished are not repeated.
 */
export async function crossValidate(
  context: TrainingContext,
  finalists: readonly Finalist[],
  preparations: Preparations,
): Promise<void> {
  const { plan, store, observe, stopping } = context;
  const { folds } = plan;
  if (folds === null) return;
  const trained = finalists.filter(({ final }) => final !== null);
  if (trained.length === 0) return;
  const known = store.finals.folds();
  const trainings = trained.flatMap((finalist) =>
    Array.from({ length: folds }, (_, index) => ({ finalist, fold: { index, of: folds } })).filter(
      ({ fold }) => !isKnown(known.get(finalist.trial.number), fold),
    ),
  );
  const total = trained.length * folds;
  let done = total - trainings.length;
  if (trainings.length === 0) return;
  const message = `Cross-validating the frontier's ${networksOf(trained)}: ${counted(folds, 'training')} of each on other splits`;
  observe({ kind: 'phase', name: 'final', message });
  const progress = (): void => observe({ kind: 'progress', phase: 'final', done, total, unit: 'trainings' });
  progress();
  await Promise.all(
    trainings.map(async ({ finalist, fold }) => {
      const record = await trainedOn(context, finalist, fold, preparations);
      if (record === null || stopping()) return;
      store.finals.finishFold(finalist.trial.number, record);
      rmSync(join(plan.workdir, foldFolder(finalist.trial.number, fold.index)), { recursive: true, force: true });
      done++;
      progress();
    }),
  );
}

const isKnown = (records: readonly FoldRecord[] | undefined, { index, of }: Fold): boolean =>
  records?.some((record) => record.fold === index && record.of === of) ?? false;

/** Trains a network on a fold; null when the user stopped the run. */
async function trainedOn(
  context: TrainingContext,
  { trial: { number, genotype, seed }, network }: Finalist,
  fold: Fold,
  preparations: Preparations,
): Promise<FoldRecord | null> {
  const { plan, observe } = context;
  const { final, search } = plan.experiment;
  if (final === null) return null;
  const { from, teacher: _, ...full } = final;
  const dataset = { ...plan.dataset, fold };
  const images = epochImages(describeDataset(dataset), full.loss?.type !== 'cross-entropy');
  const listening = { ...full, batch: Math.min(full.batch, images) };
  const began = Date.now();
  const name = `trial ${number}, fold ${fold.index + 1} of ${fold.of}`;
  const record = { fold: fold.index, of: fold.of };
  try {
    const { train, teacher } = await preparations.taught(listening, { fold });
    const initial = await preparations.initial(from, genotype);
    const order: JobOrder<TrainJob> = {
      id: `train/fold/${number}/${fold.index}`,
      job: {
        kind: 'train',
        fit: {
          network,
          // Each fold has its own random weights and order, whose chance is in the standard error, too.
          seed: new Random(seed, 'fold', fold.index).bits(),
          train: initial === undefined ? train : fromTrained(train),
          teacher,
          initial,
          dataset,
          engine: plan.engine,
          threads: plan.threads,
          sharedCores: search.parallel > 1,
          directory: join(plan.workdir, foldFolder(number, fold.index)),
        },
      },
      sharing: 'shared',
    };
    const result = await resultOfPart(context, order, {
      event: (event) => {
        if (event.kind === 'note') observe({ kind: 'note', message: `${name}: ${event.message}` });
      },
    });
    if (result.state !== 'complete') return null;
    const seconds = result.curve.reduce((sum, epoch) => sum + epoch.seconds, 0);
    return { ...record, accuracy: result.accuracy, seconds };
  } catch (error) {
    if (!(error instanceof JobFailed)) throw error;
    const { message } = error;
    observe({ kind: 'warning', message: `${name} failed: ${message}` });
    return { ...record, accuracy: null, seconds: (Date.now() - began) / 1000, message };
  }
}
