import type { Connection } from './connection.js';
import type { CompleteValues, TrialRecord } from './trial-record.js';
import { byTrial, tablesOf, variantsOf, type ListedVariant, type ValueLine } from './trial-tables.js';

/** How a trial ended, and what it took. */
export interface TrialEnd {
  readonly number: number;
  /** In ms since 1970. */
  readonly finishedAt: number;
  /** What its epochs took, or the time since it was last begun where it has none. */
  readonly seconds: number;
}

/** Where a trial stands. */
export type TrialStanding = Pick<TrialRecord, 'number' | 'state' | 'rejected'>;

/** Trials that are read at once. */
const part = 5000;

/** What a variant says of itself; all else is the trial's: its MACs, say. */
const knownOf = ({ values }: ListedVariant, own: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, { value }]) => (Object.hasOwn(own, name) ? [[name, value]] : [])),
  );

/** What is known of all trials at once, without what each is. */
export class TrialOverview {
  private readonly ofRange;
  private readonly selectLast;
  private readonly selectCount;
  private readonly selectMeasures;
  private readonly selectComplete;
  private readonly selectEnds;
  private readonly selectStanding;
  private readonly selectExtrapolated;

  constructor(private readonly connection: Connection) {
    this.ofRange = tablesOf(connection, (trial) => `${trial} BETWEEN $first AND $last`);
    this.selectLast = connection.prepare<{ number: number | null }>('SELECT max(number) AS number FROM trials');
    this.selectCount = connection.prepare<{ trials: number }>('SELECT count(*) AS trials FROM trials');
    this.selectMeasures = connection.prepare<{ objective: string }>(
      'SELECT objective FROM trial_values GROUP BY objective ORDER BY min(seq)',
    );
    this.selectComplete = connection.prepare<ValueLine>(
      `SELECT v.trial, v.objective, v.value, v.provenance FROM outcomes o CROSS JOIN trial_values v ON v.trial = o.trial
       WHERE o.trial BETWEEN $first AND $last AND o.state = 'complete' ORDER BY v.trial, v.objective, v.seq`,
    );
    this.selectEnds = connection.prepare<TrialEnd>(
      `SELECT o.trial AS number, o.finished_at AS finishedAt, coalesce(
         (SELECT sum(e.seconds) FROM epochs e WHERE e.stage = 'search' AND e.trial = o.trial),
         (o.finished_at - (SELECT max(a.started_at) FROM attempts a WHERE a.stage = 'search' AND a.trial = o.trial))
           / 1000.0, 0) AS seconds
       FROM outcomes o ORDER BY o.finished_at, o.trial`,
    );
    this.selectStanding = connection.prepare<TrialStanding>(
      `SELECT t.number, t.rejected, coalesce(o.state, iif(EXISTS (SELECT 1 FROM attempts a
         WHERE a.stage = 'search' AND a.trial = t.number), 'running', 'waiting')) AS state
       FROM trials t LEFT JOIN outcomes o ON o.trial = t.number ORDER BY t.number`,
    );
    this.selectExtrapolated = connection.prepare<{ trials: number }>(
      'SELECT count(DISTINCT trial) AS trials FROM predictions WHERE coverage < 1',
    );
  }

  /** How many there are. */
  count(): number {
    return this.connection.read(() => this.selectCount.get({})?.trials ?? 0);
  }

  /** The names of all values that are known of any trial, in the order in which they became known. */
  measures(): string[] {
    return this.connection.read(() => this.selectMeasures.all({})).map(({ objective }) => objective);
  }

  /** Trials that ended, in the order in which they did. */
  ends(): TrialEnd[] {
    return this.connection.read(() => this.selectEnds.all({}));
  }

  /**
   * What the Pareto frontier is computed from: the values of all complete trials, in their order; where a trial's network
   * is accepted in more than one precision, those of each, the chosen one first.
   */
  complete(): CompleteValues[] {
    return this.connection.read(() => [...this.completeParts()].flat());
  }

  /** The same in parts of some thousand trials, so that not all need be in memory; to be read as one (`Store.reading`). */
  *completeParts(): Generator<CompleteValues[], void, void> {
    const end = this.connection.read(() => this.selectLast.get({})?.number ?? -1);
    for (let first = 0; first <= end; first += part)
      yield this.connection.read(() => this.completeOf({ first, last: first + part - 1 }));
  }

  private completeOf(range: { readonly first: number; readonly last: number }): CompleteValues[] {
    const chosen = new Map(this.ofRange.chosen.all(range).map(({ trial, precision }) => [trial, precision]));
    const variants = variantsOf(this.ofRange, range);
    const values = byTrial(this.selectComplete.all(range));
    return [...values].flatMap(([number, lines]) => {
      const own = Object.fromEntries(lines.map(({ objective, value }) => [objective, value]));
      const precision = chosen.get(number) ?? 'fp32';
      const trial: CompleteValues = { number, precision, state: 'complete', values: own };
      const others = (variants.get(number) ?? []).filter(
        (variant) => variant.accepted === true && variant.precision !== precision,
      );
      return [
        trial,
        ...others.map((variant) => ({
          ...trial,
          precision: variant.precision,
          values: { ...own, ...knownOf(variant, own) },
        })),
      ];
    });
  }

  /** Where each stands, in order. */
  standing(): TrialStanding[] {
    return this.connection.read(() => this.selectStanding.all({}));
  }

  /** How many are of networks that the latency model did not cover wholly. */
  extrapolated(): number {
    return this.connection.read(() => this.selectExtrapolated.get({})?.trials ?? 0);
  }
}
