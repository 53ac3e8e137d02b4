import { groupBy } from '../base/group.js';
import type { Connection } from './connection.js';
import type { EventRecord, Events } from './events.js';
import type { Attempts } from './trainings.js';
import { finite, type StoredPrecision } from './values.js';

/** The weights that a training began from: random ones, given ones, or the slice of a supernet. */
export type WeightsOrigin = 'nothing' | 'weights' | 'supernet';

/** The result of training a frontier network on the full schedule, in one precision. */
export interface NewFinal {
  /** Of the network whose accuracies these are; default: fp32. */
  readonly precision?: StoredPrecision;
  readonly state: 'complete' | 'failed';
  /** On the validation split, in [0, 1]. */
  readonly accuracy?: number;
  /** On the test split, which the search never sees, in [0, 1]. */
  readonly testAccuracy?: number;
  /** Of the training, which is one for all precisions of a trial: each record says the same. */
  readonly epochs: number;
  readonly seconds: number;
  /** Default: nothing. */
  readonly from?: WeightsOrigin;
  readonly message?: string;
}

export interface FinalRecord extends Pick<NewFinal, 'state' | 'epochs' | 'seconds'> {
  readonly trial: number;
  readonly precision: StoredPrecision;
  readonly accuracy: number | null;
  readonly testAccuracy: number | null;
  readonly from: WeightsOrigin;
  readonly message: string | null;
  /** In ms since 1970. */
  readonly finishedAt: number;
}

/** The training of a frontier network on one fold of a cross-validation. */
export interface FoldRecord {
  /** From 0 to `of` - 1. */
  readonly fold: number;
  readonly of: number;
  /** On the validation images of the fold, in [0, 1]; null: the training failed. */
  readonly accuracy: number | null;
  readonly seconds: number;
  readonly message?: string;
}

/** The full trainings of the frontier's networks, a record for each precision in which a network is kept. */
export class Finals {
  private readonly select;

  constructor(
    private readonly connection: Connection,
    private readonly events: Events,
    private readonly attempts: Attempts,
  ) {
    this.select = connection.prepare<FinalRecord>(
      `SELECT trial, precision, state, accuracy, test_accuracy AS testAccuracy, epochs, seconds, from_weights AS "from",
         message, finished_at AS finishedAt
       FROM finals ORDER BY trial, precision`,
    );
  }

  /** Records that a training after the search begins, or begins again. @returns the number of this attempt, from 1. */
  start(trial: number): number {
    return this.attempts.start('final', trial);
  }

  attemptsMade(trial: number): number {
    return this.attempts.made('final', trial);
  }

  /** Records how it ended, for one precision. Throws when that was recorded before. */
  finish(
    trial: number,
    { precision = 'fp32', state, accuracy, testAccuracy, epochs, seconds, from, message }: NewFinal,
  ): void {
    const what = `of trial ${trial}'s final training`;
    const row = {
      trial,
      precision,
      state,
      accuracy: accuracy === undefined ? null : finite(accuracy, `accuracy ${what}`),
      testAccuracy: testAccuracy === undefined ? null : finite(testAccuracy, `test accuracy ${what}`),
      epochs,
      seconds: finite(seconds, `duration ${what}`),
      fromWeights: from ?? 'nothing',
      message: message ?? null,
      finishedAt: this.connection.clock(),
    };
    this.connection.write(() => {
      this.connection.insert('finals', row);
      const detail = { state, ...(precision === 'fp32' ? {} : { precision }) };
      this.events.add({ kind: 'final-finished', trial, detail });
    });
  }

  /** Records how the training on a fold ended. */
  finishFold(trial: number, record: FoldRecord): void {
    if (record.accuracy !== null) finite(record.accuracy, `accuracy of trial ${trial} in fold ${record.fold}`);
    this.connection.write(() => this.events.add({ kind: 'fold-finished', trial, detail: record }));
  }

  /** The trainings on folds by trial number, in the order of the folds. */
  folds(): ReadonlyMap<number, readonly FoldRecord[]> {
    // Written by `finishFold`.
    const foldOf = ({ detail }: EventRecord) => detail as FoldRecord;
    const byTrial = groupBy(this.events.of('fold-finished'), ({ trial }) => trial ?? -1);
    return new Map([...byTrial].map(([trial, all]) => [trial, all.map(foldOf).sort((a, b) => a.fold - b.fold)]));
  }

  /** By trial number, in order; of one trial, fp32 first. */
  all(): FinalRecord[] {
    return this.connection.read(() => this.select.all({}));
  }
}
