import type { Connection } from './connection.js';
import type { Events } from './events.js';
import { finite, json } from './values.js';

/** Trainings of a trial's network: in the search, or on the full schedule. */
export type TrialStage = 'search' | 'final';

/** A training: of a trial, or of a network that all trials rest on. */
export type Training =
  | { readonly stage: TrialStage; readonly trial: number }
  | { readonly stage: 'teacher' | 'supernet'; readonly trial?: undefined };

export const describeTraining = ({ stage, trial }: Training): string =>
  trial === undefined ? `the ${stage}` : `trial ${trial}`;

/** One epoch of a training; accuracies in [0, 1]. */
export interface Epoch {
  /** Counted from 0. */
  readonly epoch: number;
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  readonly validationLoss: number;
  readonly validationAccuracy: number;
  /** Class metrics of the validation, in [0, 1]. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly learningRate: number;
  readonly seconds: number;
}

interface EpochRow extends Omit<Epoch, 'metrics'> {
  readonly metrics: string;
}

const columns = `epoch, train_loss AS trainLoss, train_accuracy AS trainAccuracy, validation_loss AS validationLoss,
  validation_accuracy AS validationAccuracy, metrics, learning_rate AS learningRate, seconds`;

const keyOf = ({ stage, trial }: Training) => ({ stage, trial: trial ?? null });

/** Learning curves. An epoch that is recorded again (it was trained again after a crash) replaces the earlier record. */
export class Curves {
  private readonly select;
  private readonly selectOne;

  constructor(
    private readonly connection: Connection,
    private readonly events: Events,
  ) {
    const ofTraining = 'stage = $stage AND trial IS $trial';
    this.select = connection.prepare<EpochRow>(`SELECT ${columns} FROM curves WHERE ${ofTraining} ORDER BY epoch`);
    this.selectOne = connection.prepare<EpochRow>(
      `SELECT ${columns} FROM epochs WHERE ${ofTraining} AND epoch = $epoch ORDER BY seq DESC LIMIT 1`,
    );
  }

  /** @throws NasError `failure` when a number is not finite: the training diverged. */
  add(training: Training, epoch: Epoch): void {
    const { stage, trial } = training;
    const where = `${describeTraining(training)} in epoch ${epoch.epoch}`;
    const row = {
      ...keyOf(training),
      epoch: epoch.epoch,
      trainLoss: finite(epoch.trainLoss, `training loss of ${where}`),
      trainAccuracy: finite(epoch.trainAccuracy, `training accuracy of ${where}`),
      validationLoss: finite(epoch.validationLoss, `validation loss of ${where}`),
      validationAccuracy: finite(epoch.validationAccuracy, `validation accuracy of ${where}`),
      metrics: json(epoch.metrics, `validation metrics of ${where}`),
      learningRate: finite(epoch.learningRate, `learning rate of ${where}`),
      seconds: finite(epoch.seconds, `duration of ${where}`),
    };
    this.connection.write(() => {
      this.connection.insert('epochs', row);
      const detail = { stage, epoch: epoch.epoch };
      this.events.add({ kind: 'epoch', detail, ...(trial === undefined ? {} : { trial }) });
    });
  }

  of(training: Training): Epoch[] {
    return this.connection.read(() => this.select.all(keyOf(training))).map((row) => this.toEpoch(row));
  }

  at(training: Training, epoch: number): Epoch | undefined {
    const row = this.connection.read(() => this.selectOne.get({ ...keyOf(training), epoch }));
    return row && this.toEpoch(row);
  }

  private toEpoch({ metrics, ...row }: EpochRow): Epoch {
    // Written by `add`.
    return { ...row, metrics: this.connection.parse(metrics) as Epoch['metrics'] };
  }
}

/** Starts of trainings: one row for the first start of a training and one for every start after it. */
export class Attempts {
  private readonly count;

  constructor(
    private readonly connection: Connection,
    private readonly events: Events,
  ) {
    this.count = connection.prepare<{ attempts: number }>(
      'SELECT count(*) AS attempts FROM attempts WHERE stage = $stage AND trial = $trial',
    );
  }

  /** Records that a training begins (again). @returns the number of this attempt, from 1. */
  start(stage: TrialStage, trial: number): number {
    return this.connection.write(() => {
      const attempt = this.made(stage, trial) + 1;
      this.connection.insert('attempts', { stage, trial, attempt, startedAt: this.connection.clock() });
      this.events.add({ kind: 'started', trial, detail: { stage, attempt } });
      return attempt;
    });
  }

  made(stage: TrialStage, trial: number): number {
    return this.connection.read(() => this.count.get({ stage, trial })?.attempts ?? 0);
  }
}

export interface NewArtifact {
  /** `weights`, `onnx`, ... */
  readonly kind: string;
  /** Relative to the workdir, with forward slashes. */
  readonly path: string;
  /** Of its content, in hex. */
  readonly sha256: string;
  readonly bytes: number;
}

export interface ArtifactRecord extends NewArtifact {
  readonly stage: Training['stage'];
  /** Null for files that belong to no trial: of the teacher, the supernet. */
  readonly trial: number | null;
  /** In ms since 1970. */
  readonly writtenAt: number;
}

/** Files that belong to trainings. A file that is written again replaces its earlier record. */
export class Artifacts {
  private readonly select;

  constructor(
    private readonly connection: Connection,
    private readonly events: Events,
  ) {
    this.select = connection.prepare<ArtifactRecord>(
      `SELECT trial, stage, kind, path, sha256, bytes, written_at AS writtenAt FROM current_artifacts ORDER BY seq`,
    );
  }

  add(training: Training, { kind, path, sha256, bytes }: NewArtifact): void {
    const { stage, trial } = training;
    this.connection.write(() => {
      const writtenAt = this.connection.clock();
      this.connection.insert('artifacts', { ...keyOf(training), kind, path, sha256, bytes, writtenAt });
      this.events.add({ kind: 'artifact', detail: { stage, kind, path }, ...(trial === undefined ? {} : { trial }) });
    });
  }

  /** The latest record of each file, in the order in which they were written. */
  all(): ArtifactRecord[] {
    return this.connection.read(() => this.select.all({}));
  }
}
