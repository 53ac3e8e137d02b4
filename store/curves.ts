import type { TrialStage } from './attempts.js';
import type { Connection } from './connection.js';
import type { Events } from './events.js';
import { finite } from './values.js';

/** Whose training a curve shows: a trial's, a shrunk network's (by its number), or what all trials rest on. */
export type Training =
  | { readonly stage: TrialStage; readonly trial: number; readonly shrunk?: undefined }
  | { readonly stage: 'teacher' | 'supernet'; readonly trial?: undefined; readonly shrunk?: undefined }
  | { readonly stage: 'shrunk'; readonly trial?: undefined; readonly shrunk: number };

/** The training in words. */
export function describeTraining({ stage, trial, shrunk }: Training): string {
  switch (stage) {
    case 'search':
    case 'final':
    case 'quantize-aware':
      return `trial ${trial}`;
    case 'teacher':
    case 'supernet':
      return `the ${stage}`;
    case 'shrunk':
      return `shrunk network ${shrunk}`;
  }
}

/** One epoch of a training; accuracies in [0, 1]. */
export interface Epoch {
  /** Counted from 0. */
  readonly epoch: number;
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  readonly validationLoss: number;
  readonly validationAccuracy: number;
  readonly learningRate: number;
  readonly seconds: number;
}

const columns = `epoch, train_loss AS trainLoss, train_accuracy AS trainAccuracy, validation_loss AS validationLoss,
  validation_accuracy AS validationAccuracy, learning_rate AS learningRate, seconds`;

/** Learning curves. An epoch that is recorded again (it was trained again after a crash) replaces the earlier record. */
export class Curves {
  private readonly insert;
  private readonly select;
  private readonly selectOne;

  constructor(
    private readonly connection: Connection,
    private readonly events: Events,
  ) {
    this.insert = connection.prepare(
      `INSERT INTO epochs (stage, trial, shrunk, epoch, train_loss, train_accuracy, validation_loss, validation_accuracy,
         learning_rate, seconds)
       VALUES ($stage, $trial, $shrunk, $epoch, $trainLoss, $trainAccuracy, $validationLoss, $validationAccuracy,
         $learningRate, $seconds)`,
    );
    this.select = connection.prepare<Epoch>(
      `SELECT ${columns} FROM curves WHERE stage = $stage AND trial IS $trial AND shrunk IS $shrunk
       ORDER BY epoch`,
    );
    this.selectOne = connection.prepare<Epoch>(
      `SELECT ${columns} FROM epochs WHERE stage = $stage AND trial IS $trial AND shrunk IS $shrunk AND epoch = $epoch
       ORDER BY seq DESC LIMIT 1`,
    );
  }

  /** @throws NasError `failure` when a number is not finite: the training diverged. */
  add(training: Training, epoch: Epoch): void {
    const { stage, trial, shrunk } = training;
    const where = `${describeTraining(training)} in epoch ${epoch.epoch}`;
    const row = {
      stage,
      trial: trial ?? null,
      shrunk: shrunk ?? null,
      epoch: epoch.epoch,
      trainLoss: finite(epoch.trainLoss, `training loss of ${where}`),
      trainAccuracy: finite(epoch.trainAccuracy, `training accuracy of ${where}`),
      validationLoss: finite(epoch.validationLoss, `validation loss of ${where}`),
      validationAccuracy: finite(epoch.validationAccuracy, `validation accuracy of ${where}`),
      learningRate: finite(epoch.learningRate, `learning rate of ${where}`),
      seconds: finite(epoch.seconds, `duration of ${where}`),
    };
    this.connection.write(() => {
      this.insert.run(row);
      const detail = { stage, epoch: epoch.epoch, ...(shrunk === undefined ? {} : { shrunk }) };
      this.events.add({ kind: 'epoch', detail, ...(trial === undefined ? {} : { trial }) });
    });
  }

  /** The epochs of a training, in order. */
  of({ stage, trial, shrunk }: Training): Epoch[] {
    return this.connection.read(() => this.select.all({ stage, trial: trial ?? null, shrunk: shrunk ?? null }));
  }

  /** One epoch of a training, as it was recorded last. */
  at({ stage, trial, shrunk }: Training, epoch: number): Epoch | undefined {
    return this.connection.read(() =>
      this.selectOne.get({ stage, trial: trial ?? null, shrunk: shrunk ?? null, epoch }),
    );
  }
}
