import type { Attempts } from './trainings.js';
import type { Connection } from './connection.js';
import type { Events } from './events.js';
import type { Networks, Predictions, StoredPrediction } from './measurements.js';
import { json, type StoredPrecision } from './values.js';
import {
  toTrial,
  trialStates,
  type NewTrial,
  type Outcome,
  type Progress,
  type TrialDetails,
  type TrialQuery,
  type TrialRecord,
  type TrialRow,
} from './trial-record.js';
import type { ObjectiveValues, TrialValues } from './trial-values.js';
import type { Variants } from './variants.js';

/** Which trials, as parameters. */
type Chosen = Readonly<Record<'states' | 'precision', string | null>>;

type Paging = Chosen & {
  readonly limit: number;
  readonly offset: number;
};

/** What trials are kept with. */
interface Beside {
  readonly events: Events;
  readonly networks: Networks;
  readonly attempts: Attempts;
  readonly predictions: Predictions;
  readonly values: TrialValues;
  readonly variants: Variants;
}

const chosenBy = ({ states = trialStates, precision }: TrialQuery): Chosen => ({
  states: JSON.stringify(states),
  precision: precision ?? null,
});

/** The values of so many trials are read one by one, of more all at once. */
const few = 1000;

/** The trials of the search, from asking to their outcome. */
export class Trials {
  private readonly insert;
  private readonly insertChoice;
  private readonly insertOutcome;
  private readonly selectOne;
  private readonly selectCount;
  private readonly selectPage;
  private readonly selectAscending;
  private readonly selectDescending;
  private readonly selectTotals;
  private readonly selectProgress;

  constructor(
    private readonly connection: Connection,
    private readonly beside: Beside,
  ) {
    this.insert = connection.prepare(
      `INSERT INTO trials (number, genotype, genotype_id, choices, seed, reason, rejected, pending, asked_at)
       VALUES ($number, $genotype, $genotypeId, $choices, $seed, $reason, $rejected, $pending, $askedAt)`,
    );
    this.insertChoice = connection.prepare(
      'INSERT INTO chosen_precisions (trial, precision) VALUES ($trial, $precision)',
    );
    this.insertOutcome = connection.prepare(
      'INSERT INTO outcomes (trial, state, message, finished_at) VALUES ($trial, $state, $message, $at)',
    );
    const columns = `number, genotype, genotype_id AS genotypeId, choices, seed, reason, rejected, pending,
      asked_at AS askedAt, started_at AS startedAt, finished_at AS finishedAt, attempts, state, precision, message`;
    this.selectOne = connection.prepare<TrialRow>(`SELECT ${columns} FROM trial_states WHERE number = $trial`);
    const chosen = 'state IN (SELECT value FROM json_each($states)) AND ($precision IS NULL OR precision = $precision)';
    this.selectCount = connection.prepare<{ trials: number }>(
      `SELECT count(*) AS trials FROM trial_states WHERE ${chosen}`,
    );
    const page = (join: string, order: string) =>
      connection.prepare<TrialRow>(
        `SELECT ${columns} FROM trial_states ${join} WHERE ${chosen}
         ORDER BY ${order}number LIMIT $limit OFFSET $offset`,
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
    this.selectProgress = connection.prepare<{ state: TrialRecord['state']; trials: number }>(
      'SELECT state, trials FROM progress',
    );
  }

  /** Records a proposal; the trial is then `waiting`. Throws when the number or the network was asked before. */
  ask(trial: NewTrial): void {
    const { number, genotypeId, predictions = {} } = trial;
    const what = `trial ${number}`;
    this.connection.write(() => {
      this.beside.networks.add(genotypeId, trial.network);
      this.insert.run({
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
      this.beside.predictions.insert(number, predictions);
      this.beside.events.add({ kind: 'asked', trial: number });
    });
  }

  /** Records that the training of a trial begins, or begins again. @returns which attempt this is, from 1. */
  start(number: number): number {
    return this.beside.attempts.start('search', number);
  }

  /** Records how a trial ended, with its values, at once. Throws when it had ended before. */
  finish(number: number, { state, message, values, precision }: Outcome): void {
    this.connection.write(() => {
      this.insertOutcome.run({ trial: number, state, message: message ?? null, at: this.connection.clock() });
      this.beside.values.insert(number, values);
      this.choose(number, precision);
      const detail = { state, ...(precision === undefined ? {} : { precision }) };
      this.beside.events.add({ kind: 'finished', trial: number, detail });
    });
  }

  /**
   * Adds values that replace earlier ones of the same objectives: a measured latency after a predicted one, say.
   * @param precision what the trial is judged in from now on, with these values; default: what was chosen before.
   */
  revise(number: number, values: ObjectiveValues, precision?: StoredPrecision): void {
    this.connection.write(() => {
      this.beside.values.insert(number, values);
      this.choose(number, precision);
      const detail = { objectives: Object.keys(values), ...(precision === undefined ? {} : { precision }) };
      this.beside.events.add({ kind: 'values', trial: number, detail });
    });
  }

  private choose(trial: number, precision: StoredPrecision | undefined): void {
    if (precision !== undefined) this.insertChoice.run({ trial, precision });
  }

  /** All trials in order. */
  all(): TrialRecord[] {
    return this.page({});
  }

  get(number: number): TrialRecord | undefined {
    return this.connection.read(() => {
      const row = this.selectOne.get({ trial: number });
      return row && toTrial(row, this.detailsOf(number), this.connection.parse);
    });
  }

  /** Some trials with all that is known of them. */
  page({ sort, offset = 0, limit = -1, ...query }: TrialQuery): TrialRecord[] {
    return this.connection.read(() => {
      const paging = { ...chosenBy(query), limit, offset };
      const rows = sort === undefined ? this.selectPage.all(paging) : this.selectSorted(sort, paging);
      const detailsOf = rows.length > few ? this.allDetails() : this.detailsOf;
      return rows.map((row) => toTrial(row, detailsOf(row.number), this.connection.parse));
    });
  }

  /** How many there are, whatever the page. */
  count(query: Pick<TrialQuery, 'states' | 'precision'>): number {
    return this.connection.read(() => this.selectCount.get(chosenBy(query))?.trials ?? 0);
  }

  private readonly detailsOf = (number: number): TrialDetails => ({
    values: this.beside.values.of(number),
    variants: this.beside.variants.of(number),
  });

  private allDetails(): (number: number) => TrialDetails {
    const [values, variants] = [this.beside.values.all(), this.beside.variants.all()];
    return (number) => ({ values: values.get(number), variants: variants.get(number) });
  }

  private selectSorted({ objective, descending }: NonNullable<TrialQuery['sort']>, paging: Paging): TrialRow[] {
    return (descending ? this.selectDescending : this.selectAscending).all({ objective, ...paging });
  }

  /** Candidates that cheap constraints rejected, and when anything last happened to a trial (0: never). */
  totals(): { readonly rejected: number; readonly changedAt: number } {
    const { rejected, changedAt } = this.connection.read(() => this.selectTotals.get({})) ?? {};
    return { rejected: rejected ?? 0, changedAt: changedAt ?? 0 };
  }

  /** The latency that was predicted for a trial when it was asked. */
  prediction(number: number, precision: StoredPrecision = 'fp32'): StoredPrediction | undefined {
    return this.beside.predictions.of(number, precision);
  }

  /** How many trials are in each state. */
  progress(): Progress {
    const counts = { waiting: 0, running: 0, complete: 0, pruned: 0, failed: 0 };
    for (const { state, trials } of this.connection.read(() => this.selectProgress.all({}))) counts[state] = trials;
    return counts;
  }
}
