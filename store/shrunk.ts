import type { Connection } from './connection.js';
import type { Events } from './events.js';
import type { ObjectiveValue, Provenance } from './trial-values.js';
import { finite, json } from './values.js';

/** A network that was cut out of a trial's trained one, as it is before its fine-tuning. */
export interface NewShrunk {
  /** Trial whose network it came from. */
  readonly parent: number;
  /** Plain data. */
  readonly network: unknown;
  /** What was to be kept: at most `value` of it. */
  readonly target: { readonly objective: 'latency_ms' | 'macs'; readonly value: number };
  /** What told which channels matter: `taylor`, `gamma`, `l1`. */
  readonly importance: string;
  /** Channels that are left, by the name of what they belong to. */
  readonly widths: Readonly<Record<string, number>>;
  readonly macs: number;
  readonly params: number;
  /** Epochs of its fine-tuning. */
  readonly epochs: number;
}

/** What became of it. */
export interface ShrunkOutcome {
  readonly state: 'complete' | 'failed';
  /** In ms, with how it is known. */
  readonly latency?: ObjectiveValue;
  /** On the validation split, in [0, 1]: as it was cut, and after its fine-tuning. */
  readonly accuracyBefore?: number;
  readonly accuracy?: number;
  /** On the test split, in [0, 1]. */
  readonly testAccuracy?: number;
  readonly seconds: number;
  /** Why it failed. */
  readonly message?: string;
}

/** A shrunk network and where it stands; what is not known yet is null. Times are in ms since 1970. */
export interface ShrunkRecord extends NewShrunk {
  /** Counted from 0. */
  readonly number: number;
  readonly state: 'running' | ShrunkOutcome['state'];
  readonly latency: ObjectiveValue | null;
  readonly accuracyBefore: number | null;
  readonly accuracy: number | null;
  readonly testAccuracy: number | null;
  readonly seconds: number | null;
  readonly message: string | null;
  readonly beganAt: number;
  readonly finishedAt: number | null;
}

interface Row extends Omit<ShrunkRecord, 'network' | 'target' | 'widths' | 'latency'> {
  readonly network: string;
  readonly objective: ShrunkRecord['target']['objective'];
  readonly value: number;
  readonly widths: string;
  readonly latencyMs: number | null;
  readonly latencyProvenance: Provenance | null;
}

/** Networks that were cut out of trained ones and fine-tuned: kept beside the trials, which they are none of. */
export class ShrunkNetworks {
  private readonly insert;
  private readonly insertOutcome;
  private readonly select;

  constructor(
    private readonly connection: Connection,
    private readonly events: Events,
  ) {
    this.insert = connection.prepare(
      `INSERT INTO shrunk (number, parent, network, target, target_value, importance, widths, macs, params, epochs, began_at)
       VALUES ($number, $parent, $network, $objective, $value, $importance, $widths, $macs, $params, $epochs, $at)`,
    );
    this.insertOutcome = connection.prepare(
      `INSERT INTO shrunk_outcomes (number, state, latency_ms, latency_provenance, accuracy_before, accuracy,
         test_accuracy, seconds, message, finished_at)
       VALUES ($number, $state, $latencyMs, $latencyProvenance, $accuracyBefore, $accuracy, $testAccuracy, $seconds,
         $message, $at)`,
    );
    this.select = connection.prepare<Row>(
      `SELECT number, parent, network, target AS objective, target_value AS value, importance, widths, macs, params,
         epochs, began_at AS beganAt, coalesce(state, 'running') AS state, latency_ms AS latencyMs,
         latency_provenance AS latencyProvenance, accuracy_before AS accuracyBefore, accuracy,
         test_accuracy AS testAccuracy, seconds, message, finished_at AS finishedAt
       FROM shrunk LEFT JOIN shrunk_outcomes USING (number) ORDER BY number`,
    );
  }

  /** Records a network that was cut and is to be fine-tuned. @returns its number. */
  begin({ parent, network, target, importance, widths, macs, params, epochs }: NewShrunk): number {
    return this.connection.write(() => {
      const number = this.select.all({}).length;
      const what = `shrunk network ${number}`;
      this.insert.run({
        number,
        parent,
        network: json(network, what),
        objective: target.objective,
        value: finite(target.value, `target of ${what}`),
        importance,
        widths: json(widths, `widths of ${what}`),
        macs,
        params,
        epochs,
        at: this.connection.clock(),
      });
      this.events.add({ kind: 'shrink-began', trial: parent, detail: { number, target } });
      return number;
    });
  }

  /** Records how it ended. Throws when it had ended before, or was never begun. */
  finish(number: number, outcome: ShrunkOutcome): void {
    const { state, latency, accuracyBefore, accuracy, testAccuracy, seconds, message } = outcome;
    const known = (value: number | undefined, what: string): number | null =>
      value === undefined ? null : finite(value, `${what} of shrunk network ${number}`);
    const row = {
      number,
      state,
      latencyMs: known(latency?.value, 'latency'),
      latencyProvenance: latency?.provenance ?? null,
      accuracyBefore: known(accuracyBefore, 'accuracy before fine-tuning'),
      accuracy: known(accuracy, 'accuracy'),
      testAccuracy: known(testAccuracy, 'test accuracy'),
      seconds: finite(seconds, `duration of shrunk network ${number}`),
      message: message ?? null,
      at: this.connection.clock(),
    };
    this.connection.write(() => {
      this.insertOutcome.run(row);
      this.events.add({ kind: 'shrink-finished', detail: { number, state } });
    });
  }

  /** By number, in order. */
  all(): ShrunkRecord[] {
    return this.connection.read(() => this.select.all({})).map(this.toRecord);
  }

  /** One of them, or undefined. */
  get(number: number): ShrunkRecord | undefined {
    return this.all().find((record) => record.number === number);
  }

  private readonly toRecord = (row: Row): ShrunkRecord => {
    const { network, objective, value, widths, latencyMs, latencyProvenance, ...rest } = row;
    return {
      ...rest,
      network: this.connection.parse(network),
      target: { objective, value },
      // Written by `begin`, whose type this is.
      widths: this.connection.parse(widths) as ShrunkRecord['widths'],
      latency:
        latencyMs === null || latencyProvenance === null ? null : { value: latencyMs, provenance: latencyProvenance },
    };
  };
}
