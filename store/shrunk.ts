import type { Connection } from './connection.js';
import type { Events } from './events.js';
import { finite, json } from './values.js';

/** Latencies that were measured side by side when a network was cut, in ms. */
export interface ShrunkLatencies {
  /** The device: its name, and its configuration as plain data. */
  readonly device: string;
  readonly on: unknown;
  readonly own: number;
  readonly parent: number;
  /** Of other trials, by their numbers. */
  readonly trials: Readonly<Record<string, number>>;
}

/** A network cut out of a trial's trained network, before its fine-tuning. */
export interface NewShrunk {
  /** Trial whose network it came from. */
  readonly parent: number;
  /** Plain data. */
  readonly network: unknown;
  /** The budget: at most `value` of the objective. */
  readonly target: { readonly objective: 'latency_ms' | 'macs'; readonly value: number };
  /** The measure of channel importance: `taylor`, `gamma`, `l1`. */
  readonly importance: string;
  /** New widths are multiples of it. */
  readonly multiple: number;
  /** Remaining channels by the name of their channel group. */
  readonly widths: Readonly<Record<string, number>>;
  readonly macs: number;
  readonly params: number;
  /** Null when nothing was measured. */
  readonly latencies: ShrunkLatencies | null;
  /** Epochs of its fine-tuning. */
  readonly epochs: number;
}

/** Accuracies in [0, 1], each on the validation split and on the test split. */
export interface ShrunkAccuracies {
  /** After the fine-tuning. */
  readonly accuracy: number | null;
  readonly testAccuracy: number | null;
  /** As it was cut. */
  readonly accuracyBefore: number | null;
  readonly testAccuracyBefore: number | null;
  /** Of the network that it came from. */
  readonly parentAccuracy: number | null;
  readonly parentTestAccuracy: number | null;
}

export interface ShrunkOutcome extends Partial<ShrunkAccuracies> {
  readonly state: 'complete' | 'failed';
  readonly seconds: number;
  readonly message?: string;
}

/** A shrunk network and where it stands; unknown values are null. Times are in ms since 1970. */
export interface ShrunkRecord extends NewShrunk, ShrunkAccuracies {
  /** Counted from 0. */
  readonly number: number;
  readonly state: 'running' | ShrunkOutcome['state'];
  readonly seconds: number | null;
  readonly message: string | null;
  readonly beganAt: number;
  readonly finishedAt: number | null;
}

interface Row extends Omit<ShrunkRecord, 'network' | 'target' | 'widths' | 'latencies'> {
  readonly network: string;
  readonly objective: ShrunkRecord['target']['objective'];
  readonly value: number;
  readonly widths: string;
  readonly latencies: string | null;
}

/** Networks cut out of trained ones and fine-tuned. They stand beside the trials. */
export class ShrunkNetworks {
  private readonly insert;
  private readonly insertOutcome;
  private readonly select;

  constructor(
    private readonly connection: Connection,
    private readonly events: Events,
  ) {
    this.insert = connection.prepare(
      `INSERT INTO shrunk (number, parent, network, target, target_value, importance, multiple, widths, macs, params,
         latencies, epochs, began_at)
       VALUES ($number, $parent, $network, $objective, $value, $importance, $multiple, $widths, $macs, $params,
         $latencies, $epochs, $at)`,
    );
    this.insertOutcome = connection.prepare(
      `INSERT INTO shrunk_outcomes (number, state, accuracy, test_accuracy, accuracy_before, test_accuracy_before,
         parent_accuracy, parent_test_accuracy, seconds, message, finished_at)
       VALUES ($number, $state, $accuracy, $testAccuracy, $accuracyBefore, $testAccuracyBefore, $parentAccuracy,
         $parentTestAccuracy, $seconds, $message, $at)`,
    );
    this.select = connection.prepare<Row>(
      `SELECT number, parent, network, target AS objective, target_value AS value, importance, multiple, widths,
         macs, params, latencies, epochs, began_at AS beganAt, coalesce(state, 'running') AS state, accuracy,
         test_accuracy AS testAccuracy, accuracy_before AS accuracyBefore,
         test_accuracy_before AS testAccuracyBefore, parent_accuracy AS parentAccuracy,
         parent_test_accuracy AS parentTestAccuracy, seconds, message, finished_at AS finishedAt
       FROM shrunk LEFT JOIN shrunk_outcomes USING (number) ORDER BY number`,
    );
  }

  /** Records a network before its fine-tuning. @returns its number. */
  begin({ network, target, widths, latencies, ...shrunk }: NewShrunk): number {
    return this.connection.write(() => {
      const number = this.select.all({}).length;
      const what = `shrunk network ${number}`;
      this.insert.run({
        ...shrunk,
        number,
        network: json(network, what),
        objective: target.objective,
        value: finite(target.value, `target of ${what}`),
        widths: json(widths, `widths of ${what}`),
        latencies: latencies === null ? null : json(latencies, `latencies of ${what}`),
        at: this.connection.clock(),
      });
      this.events.add({ kind: 'shrink-began', trial: shrunk.parent, detail: { number, target } });
      return number;
    });
  }

  /** Records how it ended. Throws when it had ended before, or was never begun. */
  finish(number: number, outcome: ShrunkOutcome): void {
    const { state, seconds, message } = outcome;
    const known = (value: number | null | undefined, what: string): number | null =>
      value === null || value === undefined ? null : finite(value, `${what} of shrunk network ${number}`);
    const row = {
      number,
      state,
      accuracy: known(outcome.accuracy, 'accuracy'),
      testAccuracy: known(outcome.testAccuracy, 'test accuracy'),
      accuracyBefore: known(outcome.accuracyBefore, 'accuracy before fine-tuning'),
      testAccuracyBefore: known(outcome.testAccuracyBefore, 'test accuracy before fine-tuning'),
      parentAccuracy: known(outcome.parentAccuracy, 'accuracy of the parent'),
      parentTestAccuracy: known(outcome.parentTestAccuracy, 'test accuracy of the parent'),
      seconds: finite(seconds, `duration of shrunk network ${number}`),
      message: message ?? null,
      at: this.connection.clock(),
    };
    this.connection.write(() => {
      this.insertOutcome.run(row);
      this.events.add({ kind: 'shrink-finished', detail: { number, state } });
    });
  }

  all(): ShrunkRecord[] {
    return this.connection.read(() => this.select.all({})).map(this.toRecord);
  }

  get(number: number): ShrunkRecord | undefined {
    return this.all().find((record) => record.number === number);
  }

  private readonly toRecord = (row: Row): ShrunkRecord => {
    const { network, objective, value, widths, latencies, ...rest } = row;
    return {
      ...rest,
      network: this.connection.parse(network),
      target: { objective, value },
      // Written by `begin`, whose types these are.
      widths: this.connection.parse(widths) as ShrunkRecord['widths'],
      latencies: latencies === null ? null : (this.connection.parse(latencies) as ShrunkLatencies),
    };
  };
}
