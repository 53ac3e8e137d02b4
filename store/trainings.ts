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

/**
 * What is trained: candidates of the search, the frontier's networks on the full schedule, or these once more with the
 * rounding of 8 bits in their computation.
 */
export type TrialStage = 'search' | 'final' | 'quantize-aware';

/** When trainings began: one row for the first start of a training and one for every start after it. */
export class Attempts {
  private readonly insert;
  private readonly count;

  constructor(
    private readonly connection: Connection,
    private readonly events: Events,
  ) {
    this.insert = connection.prepare(
      'INSERT INTO attempts (stage, trial, attempt, started_at) VALUES ($stage, $trial, $attempt, $at)',
    );
    this.count = connection.prepare<{ attempts: number }>(
      'SELECT count(*) AS attempts FROM attempts WHERE stage = $stage AND trial = $trial',
    );
  }

  /** Records that a training begins (again). @returns which attempt this is, from 1. */
  start(stage: TrialStage, trial: number): number {
    return this.connection.write(() => {
      const attempt = this.made(stage, trial) + 1;
      this.insert.run({ stage, trial, attempt, at: this.connection.clock() });
      this.events.add({ kind: 'started', trial, detail: { stage, attempt } });
      return attempt;
    });
  }

  /** How many attempts there were. */
  made(stage: TrialStage, trial: number): number {
    return this.connection.read(() => this.count.get({ stage, trial })?.attempts ?? 0);
  }
}

/** A file that a run wrote. */
export interface NewArtifact {
  /** What it is: `weights`, `onnx`, ... */
  readonly kind: string;
  /** Relative to the workdir, with forward slashes. */
  readonly path: string;
  /** Of its content, in hex. */
  readonly sha256: string;
  readonly bytes: number;
}

export interface ArtifactRecord extends NewArtifact {
  readonly stage: Training['stage'];
  /** Null for files that belong to no trial: the teacher's, the supernet's, those of shrunk networks. */
  readonly trial: number | null;
  /** Number of the shrunk network that it belongs to. */
  readonly shrunk: number | null;
  /** In ms since 1970. */
  readonly writtenAt: number;
}

/** Files that belong to trainings. A file that is written again replaces its earlier record. */
export class Artifacts {
  private readonly insert;
  private readonly select;

  constructor(
    private readonly connection: Connection,
    private readonly events: Events,
  ) {
    this.insert = connection.prepare(
      `INSERT INTO artifacts (trial, shrunk, stage, kind, path, sha256, bytes, written_at)
       VALUES ($trial, $shrunk, $stage, $kind, $path, $sha256, $bytes, $at)`,
    );
    this.select = connection.prepare<ArtifactRecord>(
      `SELECT trial, shrunk, stage, kind, path, sha256, bytes, written_at AS writtenAt FROM current_artifacts ORDER BY seq`,
    );
  }

  add({ stage, trial, shrunk }: Training, { kind, path, sha256, bytes }: NewArtifact): void {
    const subject = { trial: trial ?? null, shrunk: shrunk ?? null, stage };
    this.connection.write(() => {
      this.insert.run({ ...subject, kind, path, sha256, bytes, at: this.connection.clock() });
      this.events.add({ kind: 'artifact', detail: { stage, kind, path }, ...(trial === undefined ? {} : { trial }) });
    });
  }

  /** The files as they stand, in the order in which they were written. */
  all(): ArtifactRecord[] {
    return this.connection.read(() => this.select.all({}));
  }
}
