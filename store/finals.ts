import type { Attempts } from './attempts.js';
import type { Connection } from './connection.js';
import type { Events } from './events.js';
import { finite } from './values.js';

/** What weights were before the training that made them: random ones, or the slice of a supernet. */
export type WeightsOrigin = 'nothing' | 'weights' | 'supernet';

/** The result of training a frontier network on the full schedule. */
export interface NewFinal {
  readonly state: 'complete' | 'failed';
  /** On the validation split, in [0, 1]. */
  readonly accuracy?: number;
  /** On the test split, which the search never sees, in [0, 1]. */
  readonly testAccuracy?: number;
  readonly epochs: number;
  readonly seconds: number;
  /** What it began from; default: nothing. */
  readonly from?: WeightsOrigin;
  /** Why it failed. */
  readonly message?: string;
}

export interface FinalRecord {
  readonly trial: number;
  readonly state: 'complete' | 'failed';
  readonly accuracy: number | null;
  readonly testAccuracy: number | null;
  readonly epochs: number;
  readonly seconds: number;
  readonly from: WeightsOrigin;
  readonly message: string | null;
  /** In ms since 1970. */
  readonly finishedAt: number;
}

/** The full trainings of the frontier's networks; kept apart from what the search found. */
export class Finals {
  private readonly insert;
  private readonly select;

  constructor(
    private readonly connection: Connection,
    private readonly events: Events,
    private readonly attempts: Attempts,
  ) {
    this.insert = connection.prepare(
      `INSERT INTO finals (trial, state, accuracy, test_accuracy, epochs, seconds, from_weights, message, finished_at)
       VALUES ($trial, $state, $accuracy, $testAccuracy, $epochs, $seconds, $from, $message, $at)`,
    );
    this.select = connection.prepare<FinalRecord>(
      `SELECT trial, state, accuracy, test_accuracy AS testAccuracy, epochs, seconds, from_weights AS "from", message,
         finished_at AS finishedAt
       FROM finals ORDER BY trial`,
    );
  }

  /** Records that the full training of a trial's network begins, or begins again. @returns which attempt, from 1. */
  start(trial: number): number {
    return this.attempts.start('final', trial);
  }

  /** How often the full training was begun. */
  attemptsMade(trial: number): number {
    return this.attempts.made('final', trial);
  }

  /** Records how it ended. Throws when it had ended before. */
  finish(trial: number, { state, accuracy, testAccuracy, epochs, seconds, from, message }: NewFinal): void {
    const what = `of trial ${trial}'s final training`;
    const row = {
      trial,
      state,
      accuracy: accuracy === undefined ? null : finite(accuracy, `accuracy ${what}`),
      testAccuracy: testAccuracy === undefined ? null : finite(testAccuracy, `test accuracy ${what}`),
      epochs,
      seconds: finite(seconds, `duration ${what}`),
      from: from ?? 'nothing',
      message: message ?? null,
      at: this.connection.clock(),
    };
    this.connection.write(() => {
      this.insert.run(row);
      this.events.add({ kind: 'final-finished', trial, detail: { state } });
    });
  }

  /** By trial number, in order. */
  all(): FinalRecord[] {
    return this.connection.read(() => this.select.all({}));
  }
}
