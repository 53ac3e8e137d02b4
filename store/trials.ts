import type { Attempts } from './attempts.js';
import type { Connection } from './connection.js';
import type { Events } from './events.js';
import type { Networks } from './networks.js';
import { toTrial, trialStates, type TrialRecord, type TrialRow } from './trial-record.js';
import type { ObjectiveValues, TrialValues } from './trial-values.js';
import { finite, json } from './values.js';

/** A trial as the controller proposed it. */
export interface NewTrial {
  readonly number: number;
  readonly genotype: readonly number[];
  readonly genotypeId: string;
  readonly choices: Readonly<Record<string, string | number | boolean>>;
  /** Plain data. */
  readonly network: unknown;
  /** Seed of this trial's training. */
  readonly seed: number;
  /** The controller's one line on why. */
  readonly reason: string;
  /** Candidates rejected by cheap constraints before this one. */
  readonly rejected: number;
  /** Earlier trials whose results the controller could not use; all others it was told of. */
  readonly pending: readonly number[];
  /** Latency predicted when the trial was asked, where there was a predictor. */
  readonly prediction?: StoredPrediction;
}

export interface StoredPrediction {
  readonly ms: number;
  /** Standard deviation of the error, in ms. */
  readonly std: number;
  /** In [0, 1]. */
  readonly coverage: number;
}

/** How a trial ended. */
export interface Outcome {
  readonly state: 'complete' | 'pruned' | 'failed';
  /** Why it was pruned or failed. */
  readonly message?: string;
  readonly values: ObjectiveValues;
}

/** The states that trials can be in, with how many are. */
export type Progress = Readonly<Record<TrialRecord['state'], number>>;

/** Which trials are read, and in which order. */
export interface TrialQuery {
  /** Absent: all. */
  readonly states?: readonly TrialRecord['state'][];
  /** By an objective's value, those without one last; absent: by number. */
  readonly sort?: { readonly objective: string; readonly descending: boolean };
  /** Trials that are passed over; default: 0. */
  readonly offset?: number;
  /** The most that are read; default: no limit. */
  readonly limit?: number;
}

/** The values of a complete trial. */
export interface CompleteValues {
  readonly number: number;
  readonly state: 'complete';
  readonly values: Readonly<Record<string, number>>;
}

interface Paging {
  readonly states: string;
  readonly limit: number;
  readonly offset: number;
}

/** The values of so many trials are read one by one, of more all at once. */
const few = 1000;

/** The trials of the search, from asking to their outcome. */
export class Trials {
  private readonly insert;
  private readonly insertPrediction;
  private readonly selectPrediction;
  private readonly insertOutcome;
  private readonly selectOne;
  private readonly selectPage;
  private readonly selectAscending;
  private readonly selectDescending;
  private readonly selectComplete;
  private readonly selectTotals;
  private readonly selectProgress;

  constructor(
    private readonly connection: Connection,
    private readonly events: Events,
    private readonly networks: Networks,
    private readonly attempts: Attempts,
    private readonly values: TrialValues,
  ) {
    this.insert = connection.prepare(
      `INSERT INTO trials (number, genotype, genotype_id, choices, seed, reason, rejected, pending, asked_at)
       VALUES ($number, $genotype, $genotypeId, $choices, $seed, $reason, $rejected, $pending, $askedAt)`,
    );
    this.insertPrediction = connection.prepare(
      'INSERT INTO predictions (trial, ms, std, coverage) VALUES ($trial, $ms, $std, $coverage)',
    );
    this.selectPrediction = connection.prepare<StoredPrediction>(
      'SELECT ms, std, coverage FROM predictions WHERE trial = $trial',
    );
    this.insertOutcome = connection.prepare(
      'INSERT INTO outcomes (trial, state, message, finished_at) VALUES ($trial, $state, $message, $at)',
    );
    const columns = `number, genotype, genotype_id AS genotypeId, choices, seed, reason, rejected, pending,
      asked_at AS askedAt, started_at AS startedAt, finished_at AS finishedAt, attempts, state, message`;
    this.selectOne = connection.prepare<TrialRow>(`SELECT ${columns} FROM trial_states WHERE number = $trial`);
    const page = (join: string, order: string) =>
      connection.prepare<TrialRow>(
        `SELECT ${columns} FROM trial_states ${join} WHERE state IN (SELECT value FROM json_each($states))
         ORDER BY ${order}number LIMIT $limit OFFSET $offset`,
      );
    const value =
      'LEFT JOIN (SELECT trial, value FROM objective_values WHERE objective = $objective) ON trial = number';
    this.selectPage = page('', '');
    this.selectAscending = page(value, 'value NULLS LAST, ');
    this.selectDescending = page(value, 'value DESC NULLS LAST, ');
    this.selectComplete = connection.prepare<{ trial: number; objective: string; value: number }>(
      'SELECT trial, objective, value FROM pareto_values ORDER BY trial',
    );
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
    const { number, genotypeId, prediction } = trial;
    const what = `trial ${number}`;
    this.connection.write(() => {
      this.networks.add(genotypeId, trial.network);
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
      if (prediction !== undefined) {
        this.insertPrediction.run({
          trial: number,
          ms: finite(prediction.ms, `predicted latency of ${what}`),
          std: finite(prediction.std, `predicted latency's error of ${what}`),
          coverage: finite(prediction.coverage, `predicted latency's coverage of ${what}`),
        });
      }
      this.events.add({ kind: 'asked', trial: number });
    });
  }

  /** Records that the training of a trial begins, or begins again. @returns which attempt this is, from 1. */
  start(number: number): number {
    return this.attempts.start('search', number);
  }

  /** Records how a trial ended, with its values, at once. Throws when it had ended before. */
  finish(number: number, { state, message, values }: Outcome): void {
    this.connection.write(() => {
      this.insertOutcome.run({ trial: number, state, message: message ?? null, at: this.connection.clock() });
      this.values.insert(number, values);
      this.events.add({ kind: 'finished', trial: number, detail: { state } });
    });
  }

  /** Adds values that replace earlier ones of the same objectives: a measured latency after a predicted one, say. */
  revise(number: number, values: ObjectiveValues): void {
    this.connection.write(() => {
      this.values.insert(number, values);
      this.events.add({ kind: 'values', trial: number, detail: { objectives: Object.keys(values) } });
    });
  }

  /** All trials in order. */
  all(): TrialRecord[] {
    return this.page({});
  }

  get(number: number): TrialRecord | undefined {
    return this.connection.read(() => {
      const row = this.selectOne.get({ trial: number });
      return row && toTrial(row, this.values.of(number), this.connection.parse);
    });
  }

  /** Some trials with all that is known of them. */
  page({ states = trialStates, sort, offset = 0, limit = -1 }: TrialQuery): TrialRecord[] {
    return this.connection.read(() => {
      const paging = { states: JSON.stringify(states), limit, offset };
      const rows = sort === undefined ? this.selectPage.all(paging) : this.selectSorted(sort, paging);
      const all = rows.length > few ? this.values.all() : undefined;
      const valuesOf = (number: number) => (all === undefined ? this.values.of(number) : all.get(number));
      return rows.map((row) => toTrial(row, valuesOf(row.number), this.connection.parse));
    });
  }

  private selectSorted({ objective, descending }: NonNullable<TrialQuery['sort']>, paging: Paging): TrialRow[] {
    return (descending ? this.selectDescending : this.selectAscending).all({ objective, ...paging });
  }

  /** What the Pareto frontier is computed from: the values of all complete trials, in their order. */
  complete(): CompleteValues[] {
    const trials: (CompleteValues & { readonly values: Record<string, number> })[] = [];
    for (const { trial, objective, value } of this.connection.read(() => this.selectComplete.all({}))) {
      let last = trials.at(-1);
      if (last?.number !== trial) trials.push((last = { number: trial, state: 'complete', values: {} }));
      last.values[objective] = value;
    }
    return trials;
  }

  /** Candidates that cheap constraints rejected, and when anything last happened to a trial (0: never). */
  totals(): { readonly rejected: number; readonly changedAt: number } {
    const { rejected, changedAt } = this.connection.read(() => this.selectTotals.get({})) ?? {};
    return { rejected: rejected ?? 0, changedAt: changedAt ?? 0 };
  }

  prediction(number: number): StoredPrediction | undefined {
    return this.connection.read(() => this.selectPrediction.get({ trial: number }));
  }

  /** How many trials are in each state. */
  progress(): Progress {
    const counts = { waiting: 0, running: 0, complete: 0, pruned: 0, failed: 0 };
    for (const { state, trials } of this.connection.read(() => this.selectProgress.all({}))) counts[state] = trials;
    return counts;
  }
}
