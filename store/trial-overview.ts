import type { Connection } from './connection.js';
import type { CompleteValues, TrialRecord } from './trial-record.js';
import type { ObjectiveValues, TrialValues } from './trial-values.js';
import type { StoredPrecision } from './values.js';
import type { Variants } from './variants.js';

/** How a trial ended, and what it took. */
export interface TrialEnd {
  readonly number: number;
  /** In ms since 1970. */
  readonly finishedAt: number;
  /** Sum over its epochs, or the time since its last start where it has none. */
  readonly seconds: number;
}

export type TrialStanding = Pick<TrialRecord, 'number' | 'state' | 'rejected'>;

/** Trials that are read at once. */
const part = 5000;

/** Those of the values that the trial has, too. */
const plain = (values: ObjectiveValues, own: ObjectiveValues): Record<string, number> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, { value }]) => (Object.hasOwn(own, name) ? [[name, value]] : [])),
  );

export class TrialOverview {
  private readonly selectLast;
  private readonly selectCount;
  private readonly selectMeasures;
  private readonly selectComplete;
  private readonly selectEnds;
  private readonly selectStanding;
  private readonly selectExtrapolated;

  constructor(
    private readonly connection: Connection,
    private readonly tables: { readonly values: TrialValues; readonly variants: Variants },
  ) {
    this.selectLast = connection.prepare<{ number: number | null }>('SELECT max(number) AS number FROM trials');
    this.selectCount = connection.prepare<{ trials: number }>('SELECT count(*) AS trials FROM trials');
    this.selectMeasures = connection.prepare<{ objective: string }>(
      'SELECT objective FROM trial_values GROUP BY objective ORDER BY min(seq)',
    );
    this.selectComplete = connection.prepare<{ number: number; precision: StoredPrecision }>(
      `SELECT number, precision FROM trial_states
       WHERE number BETWEEN $first AND $last AND state = 'complete' ORDER BY number`,
    );
    this.selectEnds = connection.prepare<TrialEnd>(
      `SELECT o.trial AS number, o.finished_at AS finishedAt, coalesce(
         (SELECT sum(e.seconds) FROM epochs e WHERE e.stage = 'search' AND e.trial = o.trial),
         (o.finished_at - (SELECT max(a.started_at) FROM attempts a WHERE a.stage = 'search' AND a.trial = o.trial))
           / 1000.0, 0) AS seconds
       FROM outcomes o ORDER BY o.finished_at, o.trial`,
    );
    this.selectStanding = connection.prepare<TrialStanding>(
      'SELECT number, rejected, state FROM trial_states ORDER BY number',
    );
    this.selectExtrapolated = connection.prepare<{ trials: number }>(
      'SELECT count(DISTINCT trial) AS trials FROM predictions WHERE coverage < 1',
    );
  }

  count(): number {
    return this.connection.read(() => this.selectCount.get({})?.trials ?? 0);
  }

  /** The names of all values of any trial, in the order in which they became known. */
  measures(): string[] {
    return this.connection.read(() => this.selectMeasures.all({})).map(({ objective }) => objective);
  }

  /** Trials that ended, in the order in which they did. */
  ends(): TrialEnd[] {
    return this.connection.read(() => this.selectEnds.all({}));
  }

  /**
   * The input of the Pareto frontier: the values of all complete trials, in their order; of a trial that is accepted in
   * more than one precision, the values in each, the chosen one first.
   */
  complete(): CompleteValues[] {
    return this.connection.read(() => [...this.completeParts()].flat());
  }

  /** The same in parts of some thousand trials, which bounds the memory; read them as one (`Store.reading`). */
  *completeParts(): Generator<CompleteValues[], void, void> {
    const end = this.connection.read(() => this.selectLast.get({})?.number ?? -1);
    for (let first = 0; first <= end; first += part)
      yield this.connection.read(() => this.completeOf({ first, last: first + part - 1 }));
  }

  private completeOf(range: { readonly first: number; readonly last: number }): CompleteValues[] {
    const complete = this.selectComplete.all(range);
    const numbers = complete.map(({ number }) => number);
    const values = this.tables.values.of(numbers);
    const variants = this.tables.variants.ofAll(numbers);
    return complete.flatMap(({ number, precision }) => {
      const own = values.get(number)?.values;
      if (own === undefined) return [];
      const trial: CompleteValues = { number, precision, state: 'complete', values: plain(own, own) };
      const others = (variants.get(number) ?? []).filter(
        (variant) => variant.accepted === true && variant.precision !== precision,
      );
      return [
        trial,
        ...others.map((other) => ({
          ...trial,
          precision: other.precision,
          values: { ...trial.values, ...plain(other.values, own) },
        })),
      ];
    });
  }

  standing(): TrialStanding[] {
    return this.connection.read(() => this.selectStanding.all({}));
  }

  /** The number of trials whose network the latency model did not cover wholly. */
  extrapolated(): number {
    return this.connection.read(() => this.selectExtrapolated.get({})?.trials ?? 0);
  }
}
