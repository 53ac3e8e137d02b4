import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { invalidInput } from '../../base/errors.js';
import { frontier, type Objective, type Values } from '../../search/index.js';
import { readCsv, type Choice } from '../../spaces/index.js';
import { Store } from '../../store/index.js';
import { isAccuracy } from '../../experiments/schema/measures.js';
import { objectivesOf } from '../stored/experiment.js';
import { databasePath, hasRun } from '../stored/workdir.js';

/** A network of another search, by the names of its decisions. */
export interface Seed {
  readonly name: string;
  readonly choices: ReadonlyMap<string, Choice>;
}

/** The frontier of another run, by its own objectives and values. */
function frontierOfRun(workdir: string, name = basename(workdir)): Seed[] {
  using store = Store.open(databasePath(workdir), { readonly: true });
  const trials = store.trials.all().map((trial) => ({ ...trial, values: trial.observed }));
  return frontier(trials, objectivesOf(store)).map(({ number, choices }) => ({
    name: `trial ${number} of ${name}`,
    choices: new Map(Object.entries(choices)),
  }));
}

/** The column in which `nas trials` writes the state; rows of other files are complete. */
const stateColumn = 'state';

/** The column of an objective. Any kind of accuracy will do when the file has one only: its rows are compared with each other. */
function columnOf({ name }: Objective, columns: readonly string[]): string {
  const kinds = columns.filter(isAccuracy);
  return isAccuracy(name) && kinds.length === 1 ? kinds[0] : name;
}

/** The rows of a file; when it has a column for each objective, those on its frontier. */
function rowsOf(file: string, objectives: readonly Objective[]): Seed[] {
  const { columns, rows, lines } = readCsv(file);
  const cells = rows.map((row) => new Map(row.map((cell, i) => [columns[i], cell])));
  const seeds = cells.map((choices, i) => ({ name: `line ${lines[i]} of ${basename(file)}`, choices }));
  const own = objectives.map((objective) => ({ ...objective, name: columnOf(objective, columns) }));
  if (!own.every(({ name }) => columns.includes(name))) return seeds;
  const judged = seeds.map((seed) => {
    const numbers: Values = Object.fromEntries(own.map(({ name }) => [name, Number(seed.choices.get(name) || NaN)]));
    return { ...seed, state: seed.choices.get(stateColumn) ?? 'complete', values: numbers };
  });
  return frontier(judged, own);
}

/**
 * The networks of `search.seed_from`: the frontier of a workdir; of a CSV file, its frontier when it has a column for each
 * objective, otherwise all rows.
 * @param name of a run, for the names of its networks; default: that of its folder
 * @throws NasError `invalid-input` when the path is neither.
 */
export function seedsOf(path: string, objectives: readonly Objective[], name?: string): Seed[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw invalidInput(`there is no file or folder ${path}`);
  if (!found.isDirectory()) return rowsOf(path, objectives);
  if (!hasRun(path)) throw invalidInput(`${path} holds no run; expected a workdir of nas run, or a CSV file`);
  return frontierOfRun(path, name);
}
