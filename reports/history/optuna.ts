import Database from 'better-sqlite3';
import type { Objective, Values } from '../../search/index.js';
import type { Choice, Decision } from '../../spaces/index.js';
import type { TrialState } from '../../store/index.js';
import type { HistoryEntry } from './history.js';

const attributes = (of: string): string => `${of} INTEGER, "key" VARCHAR(512), value_json TEXT, UNIQUE (${of}, "key")`;

/** Columns of the tables that `insert` fills, after their primary keys. */
const tables = {
  studies: 'study_name VARCHAR(512) NOT NULL',
  study_directions:
    'direction VARCHAR(8) NOT NULL, study_id INTEGER NOT NULL, objective INTEGER NOT NULL, UNIQUE (study_id, objective)',
  study_user_attributes: attributes('study_id'),
  study_system_attributes: attributes('study_id'),
  trials: `number INTEGER, study_id INTEGER, state VARCHAR(8) NOT NULL, datetime_start DATETIME, datetime_complete DATETIME`,
  trial_user_attributes: attributes('trial_id'),
  trial_system_attributes: attributes('trial_id'),
  trial_params:
    'trial_id INTEGER, param_name VARCHAR(512), param_value FLOAT, distribution_json TEXT, UNIQUE (trial_id, param_name)',
  trial_values:
    'trial_id INTEGER NOT NULL, objective INTEGER NOT NULL, value FLOAT, value_type VARCHAR(7) NOT NULL, UNIQUE (trial_id, objective)',
  trial_intermediate_values:
    'trial_id INTEGER NOT NULL, step INTEGER NOT NULL, intermediate_value FLOAT, intermediate_value_type VARCHAR(7) NOT NULL, UNIQUE (trial_id, step)',
  trial_heartbeats: 'trial_id INTEGER NOT NULL, heartbeat DATETIME NOT NULL, UNIQUE (trial_id)',
} as const;

/** Names of the primary keys that do not follow from the table's. */
const keys: Readonly<Record<string, string>> = { studies: 'study_id', trial_params: 'param_id' };

/** Optuna's storage of schema 12, as 3.2 to 4.x read it. */
const schema = [
  ...Object.entries(tables).map(
    ([name, columns]) =>
      `CREATE TABLE ${name} (${keys[name] ?? name.replace(/s$/, '_id')} INTEGER PRIMARY KEY, ${columns})`,
  ),
  'CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name)',
  'CREATE INDEX ix_trials_study_id ON trials (study_id)',
  'CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)',
  "INSERT INTO alembic_version VALUES ('v3.2.0.a')",
  'CREATE TABLE version_info (version_info_id INTEGER PRIMARY KEY, schema_version INTEGER, library_version VARCHAR(256))',
  "INSERT INTO version_info VALUES (1, 12, '4.1.0')",
].join(';');

const states: { readonly [S in TrialState]: string } = {
  waiting: 'WAITING',
  running: 'RUNNING',
  complete: 'COMPLETE',
  pruned: 'PRUNED',
  failed: 'FAIL',
};

interface Distribution {
  readonly json: string;
  /** What Optuna stores for a choice. */
  readonly stored: (choice: Choice) => number;
}

/** Whole numbers at equal distances are a range; other choices are categories. */
function distributionOf({ choices }: Decision): Distribution {
  const [low, next] = choices;
  const step = typeof low === 'number' && typeof next === 'number' ? next - low : 1;
  const isRange =
    Number.isInteger(step) &&
    step > 0 &&
    choices.every((choice, i) => Number.isInteger(choice) && choice === Number(low) + i * step);
  return isRange
    ? {
        json: JSON.stringify({
          name: 'IntDistribution',
          attributes: { log: false, step, low, high: choices.at(-1) },
        }),
        stored: Number,
      }
    : {
        json: JSON.stringify({ name: 'CategoricalDistribution', attributes: { choices } }),
        stored: (choice) => choices.indexOf(choice),
      };
}

/** Optuna stores times of the machine's time zone. */
const localTime = (at: number | null): string | null =>
  at === null
    ? null
    : new Date(at - 60_000 * new Date(at).getTimezoneOffset()).toISOString().replace('T', ' ').replace('Z', '000');

/** By how much a value breaks each constraint; at most 0 where it is kept. */
const violations = (objectives: readonly Objective[], values: Values): number[] =>
  objectives.flatMap(({ name, constraint: { min, max } = {} }) => [
    ...(max === undefined ? [] : [values[name] - max]),
    ...(min === undefined ? [] : [min - values[name]]),
  ]);

/** A run as Optuna stores it. */
interface OptunaStudy {
  readonly name: string;
  readonly objectives: readonly Objective[];
  readonly decisions: readonly Decision[];
  readonly entries: readonly HistoryEntry[];
}

/** Writes a run into a new SQLite file that Optuna opens as a study. */
export function writeOptuna(file: string, { name, objectives, decisions, entries }: OptunaStudy): void {
  const database = new Database(file);
  try {
    database.exec(schema);
    const statements = new Map<string, Database.Statement>();
    const insert = (table: keyof typeof tables, ...values: readonly (number | string | null)[]): void => {
      const places = values.map(() => '?').join(', ');
      const statement = statements.get(table) ?? database.prepare(`INSERT INTO ${table} VALUES (NULL, ${places})`);
      statements.set(table, statement);
      statement.run(...values);
    };
    const distributions = new Map(decisions.map((decision) => [decision.name, distributionOf(decision)]));
    database.transaction(() => {
      insert('studies', name);
      for (const [i, { direction }] of objectives.entries()) insert('study_directions', direction.toUpperCase(), 1, i);
      const names = objectives.map((objective) => objective.name);
      insert('study_system_attributes', 1, 'study:metric_names', JSON.stringify(names));
      for (const [number, { trial, values, texts, epochs, name: own }] of entries.entries()) {
        const id = number + 1;
        const { state, startedAt, askedAt, finishedAt } = trial;
        insert('trials', number, 1, states[state], localTime(startedAt ?? askedAt), localTime(finishedAt));
        for (const [decision, choice] of Object.entries(trial.choices)) {
          const { json, stored } = distributions.get(decision) ?? distributionOf({ name: decision, choices: [choice] });
          insert('trial_params', id, decision, stored(choice), json);
        }
        if (state === 'complete') {
          for (const [i, objective] of names.entries()) insert('trial_values', id, i, values[objective], 'FINITE');
          const broken = violations(objectives, values);
          if (broken.length > 0) insert('trial_system_attributes', id, 'constraints', JSON.stringify(broken));
        }
        for (const [key, value] of Object.entries({ name: own, ...texts, ...values }))
          if (state !== 'complete' || !names.includes(key))
            insert('trial_user_attributes', id, key, JSON.stringify(value));
        for (const { stage, step, score } of epochs)
          if (stage === 'search') insert('trial_intermediate_values', id, step, score, 'FINITE');
      }
    })();
  } finally {
    database.close();
  }
}
