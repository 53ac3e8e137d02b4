import type { Connection } from './connection.js';
import type { Events } from './events.js';
import type { Networks, Predictions, StoredPrediction } from './measurements.js';
import {
  trialStates,
  type NewTrial,
  type Outcome,
  type Progress,
  type TrialQuery,
  type TrialRecord,
  type TrialState,
} from './trial-record.js';
import type { ObjectiveValues, StoredValues, TrialValues } from './trial-values.js';
import type { Attempts } from './trainings.js';
import { json, type StoredPrecision } from './values.js';
import type { Variants } from './variants.js';

interface TrialRow extends Omit<TrialRecord, 'genotype' | 'choices' | 'pending' | 'variants' | keyof StoredValues> {
  readonly genotype: string;
  readonly choices: string;
  readonly pending: string;
}

/** The texts of a trial. */
export type TrialWords = Pick<TrialRecord, 'number' | 'genotypeId' | 'reason' | 'message' | 'pending'>;

interface Tables {
  readonly events: Events;
  readonly networks: Networks;
  readonly attempts: Attempts;
  readonly predictions: Predictions;
  readonly values: TrialValues;
  readonly variants: Variants;
}

const filterOf = ({ states = trialStates, precision }: TrialQuery) => ({
  states: JSON.stringify(states),
  precision: precision ?? null,
});

const noValues: StoredValues = { values: {}, observed: {} };

/** The trials of the search, from asking to their outcome. */
export class Trials {
  private readonly selectSome;
  private readonly selectRange;
  private readonly selectWords;
  private readonly selectNumber;
  private readonly selectCount;
  private readonly selectPage;
  private readonly selectAscending;
  private readonly selectDescending;
  private readonly selectTotals;
  private readonly selectProgress;

  constructor(
    private readonly connection: Connection,
    private readonly tables: Tables,
  ) {
    const select = `SELECT number, genotype, genotype_id AS genotypeId, choices, seed, reason, rejected, pending,
      asked_at AS askedAt, started_at AS startedAt, finished_at AS finishedAt, attempts, state, precision, message
      FROM trial_states`;
    this.selectSome = connection.prepare<TrialRow>(
      `${select} WHERE number IN (SELECT value FROM json_each($numbers)) ORDER BY number`,
    );
    this.selectRange = connection.prepare<TrialRow>(`${select} WHERE number >= $from ORDER BY number LIMIT $limit`);
    this.selectWords = connection.prepare<Omit<TrialWords, 'pending'> & { readonly pending: string }>(
      `SELECT number, genotype_id AS genotypeId, reason, pending, message FROM trial_states
       WHERE number >= $from AND number < $to ORDER BY number`,
    );
    this.selectNumber = connection.prepare<{ number: number }>(
      'SELECT number FROM trials WHERE genotype_id = $genotypeId',
    );
    const filter = 'state IN (SELECT value FROM json_each($states)) AND ($precision IS NULL OR precision = $precision)';
    this.selectCount = connection.prepare<{ trials: number }>(
      `SELECT count(*) AS trials FROM trial_states WHERE ${filter}`,
    );
    const page = (join: string, order: string) =>
      connection.prepare<TrialRow>(
        `${select} ${join} WHERE ${filter} ORDER BY ${order}number LIMIT $limit OFFSET $offset`,
      );
    const value =
      'LEFT JOIN (SELECT trial, value FROM objective_values WHERE objective = $objective) ON trial = number';
    this.selectPage = page('', '');
    this.selectAscending = page(value, 'value NULLS LAST, ');
    this.selectDescending = page(value, 'value DESC NULLS LAST, ');
    this.selectTotals = connection.prepare<{ rejected: number | null; changedAt: number | null }>(
      `SELECT sum(rejected) AS rejected, max(
         coalesce(max(asked_at), 0),
         coalesce((SELECT max(started_at) FROM attempts), 0),
         coalesce((SELECT max(finished_at) FROM outcomes), 0)) AS changedAt FROM trials`,
    );
    this.selectProgress = connection.prepare<{ state: TrialState; trials: number }>(
      'SELECT state, trials FROM progress',
    );
  }

  /** Records a proposal; the trial is then `waiting`. Throws when the number or the network was asked before. */
  ask(trial: NewTrial): void {
    const { number, genotypeId, predictions = {} } = trial;
    const what = `trial ${number}`;
    this.connection.write(() => {
      this.tables.networks.add(genotypeId, trial.network);
      this.connection.insert('trials', {
        number,
        genotype: json(trial.genotype, what),
        genotypeId,
        choices: json(trial.choices, what),
        seed: trial.seed,
        reason: trial.reason,
        rejected: trial.rejected,
        pending: json(trial.pending, what),
        askedAt: this.connection.clock(),
      });
      this.tables.predictions.insert(number, predictions);
      this.tables.events.add({ kind: 'asked', trial: number });
    });
  }

  /** Records that the training of a trial begins, or begins again. @returns the number of this attempt, from 1. */
  start(number: number): number {
    return this.tables.attempts.start('search', number);
  }

  /** Records how a trial ended, with its values. Throws when it had ended before. */
  finish(number: number, { state, message, values, precision }: Outcome): void {
    this.connection.write(() => {
      const finishedAt = this.connection.clock();
      this.connection.insert('outcomes', { trial: number, state, message: message ?? null, finishedAt });
      this.tables.values.insert(number, values);
      this.choose(number, precision);
      const detail = { state, ...(precision === undefined ? {} : { precision }) };
      this.tables.events.add({ kind: 'finished', trial: number, detail });
    });
  }

  /**
   * Adds values that replace earlier ones of the same objectives: a measured latency after a predicted one, say.
   * @param precision of the trial from now on, with these values; default: as before.
   */
  revise(number: number, values: ObjectiveValues, precision?: StoredPrecision): void {
    this.connection.write(() => {
      this.tables.values.insert(number, values);
      this.choose(number, precision);
      const detail = { objectives: Object.keys(values), ...(precision === undefined ? {} : { precision }) };
      this.tables.events.add({ kind: 'values', trial: number, detail });
    });
  }

  private choose(trial: number, precision: StoredPrecision | undefined): void {
    if (precision !== undefined) this.connection.insert('chosen_precisions', { trial, precision });
  }

  all(): TrialRecord[] {
    return this.page({});
  }

  get(number: number): TrialRecord | undefined {
    return this.some([number]).at(0);
  }

  /** The trials of these numbers that exist, in order. */
  some(numbers: readonly number[]): TrialRecord[] {
    return this.read(() => this.selectSome.all({ numbers: JSON.stringify(numbers) }));
  }

  /** At most `limit` trials from a number on, in order. Takes as long as the part is, however many trials there are. */
  range(from: number, limit: number): TrialRecord[] {
    return this.read(() => this.selectRange.all({ from, limit }));
  }

  page({ sort, offset = 0, limit = -1, ...query }: TrialQuery): TrialRecord[] {
    const paging = { ...filterOf(query), limit, offset };
    return this.read(() => {
      if (sort === undefined) return this.selectPage.all(paging);
      const sorted = sort.descending ? this.selectDescending : this.selectAscending;
      return sorted.all({ objective: sort.objective, ...paging });
    });
  }

  private read(select: () => readonly TrialRow[]): TrialRecord[] {
    const { parse } = this.connection;
    return this.connection.read(() => {
      const rows = select();
      const numbers = rows.map(({ number }) => number);
      const values = this.tables.values.of(numbers);
      const variants = this.tables.variants.ofAll(numbers);
      // The JSON columns hold what `ask` wrote, whose types these are.
      return rows.map((row) => ({
        ...row,
        genotype: parse(row.genotype) as TrialRecord['genotype'],
        choices: parse(row.choices) as TrialRecord['choices'],
        pending: parse(row.pending) as TrialRecord['pending'],
        variants: variants.get(row.number) ?? [],
        ...(values.get(row.number) ?? noValues),
      }));
    });
  }

  /** The texts of the trials from a number up to another, without it. */
  words(from: number, to: number): TrialWords[] {
    return this.connection
      .read(() => this.selectWords.all({ from, to }))
      .map((row) => ({ ...row, pending: this.connection.parse(row.pending) as TrialWords['pending'] }));
  }

  /** The number of the trial of a genotype; undefined when it was not asked. */
  numberOf(genotypeId: string): number | undefined {
    return this.connection.read(() => this.selectNumber.get({ genotypeId })?.number);
  }

  /** The number of trials of a query, on whatever page. */
  count(query: Pick<TrialQuery, 'states' | 'precision'>): number {
    return this.connection.read(() => this.selectCount.get(filterOf(query))?.trials ?? 0);
  }

  /** Candidates that cheap constraints rejected, and when anything last happened to a trial (0: never). */
  totals(): { readonly rejected: number; readonly changedAt: number } {
    const { rejected, changedAt } = this.connection.read(() => this.selectTotals.get({})) ?? {};
    return { rejected: rejected ?? 0, changedAt: changedAt ?? 0 };
  }

  prediction(number: number, precision: StoredPrecision = 'fp32'): StoredPrediction | undefined {
    return this.tables.predictions.of(number, precision);
  }

  progress(): Progress {
    const counts = { waiting: 0, running: 0, complete: 0, pruned: 0, failed: 0 };
    for (const { state, trials } of this.connection.read(() => this.selectProgress.all({}))) counts[state] = trials;
    return counts;
  }
}
