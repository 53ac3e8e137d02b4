import type { Connection } from './connection.js';
import type { CompleteValues, TrialRecord } from './trial-record.js';
import { tablesOf, variantsOf, type ValueLine } from './trial-tables.js';

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

/** What is known of all trials at once, without what each is. */
export class TrialOverview {
  private readonly ofAll;
  private readonly selectCount;
  private readonly selectMeasures;
  private readonly selectComplete;
  private readonly selectEnds;
  private readonly selectStanding;
  private readonly selectExtrapolated;

  constructor(private readonly connection: Connection) {
    this.ofAll = tablesOf(connection, () => 'true');
    this.selectCount = connection.prepare<{ trials: number }>('SELECT count(*) AS trials FROM trials');
    this.selectMeasures = connection.prepare<{ objective: string }>(
      'SELECT objective FROM trial_values GROUP BY objective ORDER BY min(seq)',
    );
    this.selectComplete = connection.prepare<ValueLine>(
      `SELECT v.trial, v.objective, v.value, v.provenance FROM outcomes o CROSS JOIN trial_values v ON v.trial = o.trial
       WHERE o.state = 'complete' ORDER BY v.trial, v.objective, v.seq`,
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
    return this.connection.read(() => {
      const chosen = new Map(this.ofAll.chosen.all({}).map(({ trial, precision }) => [trial, precision]));
      const variants = variantsOf(this.ofAll, {});
      const trials: (CompleteValues & { readonly values: Record<string, number> })[] = [];
      const others = (number: number, values: Readonly<Record<string, number>>): void => {
        for (const variant of variants.get(number) ?? []) {
          if (variant.accepted !== true || variant.precision === (chosen.get(number) ?? 'fp32')) continue;
          const own = Object.entries(variant.values).filter(([name]) => Object.hasOwn(values, name));
          const known = Object.fromEntries(own.map(([name, { value }]) => [name, value]));
          trials.push({ number, precision: variant.precision, state: 'complete', values: { ...values, ...known } });
        }
      };
      let last: (typeof trials)[number] | undefined;
      for (const { trial, objective, value } of this.selectComplete.all({})) {
        if (last?.number !== trial) {
          if (last !== undefined) others(last.number, last.values);
          trials.push(
            (last = { number: trial, precision: chosen.get(trial) ?? 'fp32', state: 'complete', values: {} }),
          );
        }
        last.values[objective] = value;
      }
      if (last !== undefined) others(last.number, last.values);
      return trials;
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
