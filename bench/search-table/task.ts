import { NasError } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import {
  type ControllerName,
  hypervolume,
  nonDominated,
  type Objective,
  ParetoArchive,
  type Point,
  toPoint,
  type Values,
  violated,
} from '../../search/index.js';
import { loadTable } from '../../spaces/index.js';
import { Store } from '../../store/index.js';
import { columnsOf, type TableResults } from '../../runner/models/table-results.js';
import { Simulation } from '../../runner/simulation.js';
import { TableEvaluator } from '../../runner/evaluators/table.js';
import type { RunEvent } from '../../runner/events.js';
import { Search } from '../../runner/search/search.js';
import type { TableExperiment } from '../../experiments/schema/experiment.js';
import type { TableObjective } from '../../experiments/schema/search-settings.js';

/** A set of objectives on the table, for example one per device. */
export interface Variant {
  readonly name: string;
  readonly objectives: readonly TableObjective[];
}

/** Every controller on every variant with every seed. */
export interface Comparison {
  readonly space: TableExperiment['space'];
  readonly variants: readonly Variant[];
  readonly controllers: readonly ControllerName[];
  /** Settings of the controllers; `trials` evaluations each. */
  readonly search: TableExperiment['search'];
  /** Seeds 0 ... seeds - 1. */
  readonly seeds: number;
  /** What evaluations tell differs from the table. Absent: it does not. */
  readonly noise?: Noise;
}

/** Standard deviation of the first objective, and of the others as a share of their values. Cheap objectives have no noise. */
export type Noise = readonly [first: number, others: number];

export interface Task {
  readonly controller: ControllerName;
  /** Index of the variant. */
  readonly variant: number;
  readonly seed: number;
}

export interface TaskResult {
  readonly task: Task;
  /** Share of the true frontier's hypervolume after each evaluation, in [0, 1]. */
  readonly curve: readonly number[];
  /** Rows of the true frontier among the evaluations so far, after each evaluation. */
  readonly found: readonly number[];
  /** Mean time of one ask, in ms. */
  readonly askMs: number;
  /** Why the search ended early; null when it did not. */
  readonly ended: string | null;
}

/** In the order of controllers, variants and seeds. */
export const tasksOf = ({ controllers, variants, seeds }: Comparison): Task[] =>
  controllers.flatMap((controller) =>
    variants.flatMap((_, variant) => Array.from({ length: seeds }, (_each, seed) => ({ controller, variant, seed }))),
  );

/** The true frontier of a table, and the hypervolume of a search relative to it. */
export class Problem {
  /** Objective point of each row, scaled to [0, 1], 0 is best; undefined for failed or infeasible rows. */
  private readonly points: readonly (Point | undefined)[];
  private readonly reference: Point;
  private readonly whole: number;
  /** Non-dominated rows. */
  readonly front: ReadonlySet<number>;

  /**
   * The objectives are scaled by their smallest and largest values among all rows; an objective that is the same
   * everywhere is 0. The reference point is 1 in every objective.
   */
  constructor(
    readonly results: TableResults,
    readonly objectives: readonly Objective[],
  ) {
    const { size } = results.table;
    const rows = Array.from({ length: size }, (_, row) => valuesOf(results, row));
    const all = rows.map((values) => toPoint(objectives, values));
    const known = all.filter((point) => point !== undefined);
    const extreme = (i: number, pick: (a: number, b: number) => number, start: number): number =>
      known.reduce((best, point) => pick(best, point[i]), start);
    const lows = objectives.map((_, i) => extreme(i, Math.min, Infinity));
    const ranges = objectives.map((_, i) => extreme(i, Math.max, -Infinity) - lows[i]);
    this.points = all.map((point, row) =>
      point === undefined || violated(objectives, rows[row]).length > 0
        ? undefined
        : point.map((value, i) => (ranges[i] === 0 ? 0 : (value - lows[i]) / ranges[i])),
    );
    this.reference = objectives.map(() => 1);
    const feasible = [...this.points.keys()].filter((row) => this.points[row] !== undefined);
    const points = feasible.map((row) => this.pointOf(row));
    this.front = new Set(nonDominated(points).map((i) => feasible[i]));
    this.whole = hypervolume(points, this.reference);
  }

  /**
   * Share of the true frontier's hypervolume after each evaluation, in [0, 1]; 1 when no row is better than the reference.
   */
  curve(rows: readonly number[]): number[] {
    const archive = new ParetoArchive<number>();
    let share = this.share([]);
    return rows.map((row) => {
      const point = this.points[row];
      if (point !== undefined && archive.insert(row, point)) share = this.share(archive.points);
      return share;
    });
  }

  private share(points: readonly Point[]): number {
    return this.whole === 0 ? 1 : Math.min(1, hypervolume(points, this.reference) / this.whole);
  }

  private pointOf(row: number): Point {
    const point = this.points[row];
    if (point === undefined) throw new Error(`row ${row} has no point`);
    return point;
  }
}

function valuesOf({ columns }: TableResults, row: number): Values {
  return Object.fromEntries([...columns].map(([name, values]) => [name, values[row]]));
}

/** Results with noise, another one for each seed. */
function noisy(results: TableResults, objectives: readonly Objective[], noise: Noise, seed: number): TableResults {
  const columns = new Map(results.columns);
  for (const [k, { name, cost }] of objectives.entries()) {
    const values = columns.get(name);
    if (cost === 'cheap' || values === undefined) continue;
    const random = new Random(seed, 'noise', name);
    const deviation = (value: number): number => (k === 0 ? noise[0] : noise[1] * value);
    columns.set(
      name,
      values.map((value) => value + deviation(value) * random.normal()),
    );
  }
  return { ...results, columns };
}

/** An interval of simulated time, in seconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface TableSearch {
  /** Rows in the order of their asks. */
  readonly rows: readonly number[];
  /** Evaluation time of each row, in simulated seconds since the start. */
  readonly spans: readonly Span[];
  /** Mean time of one ask, in ms. */
  readonly askMs: number;
  /** Why it ended early; null when it did not. */
  readonly ended: string | null;
}

/** Runs the search of an experiment on a table as `nas run` does, with a temporary store. */
export async function searchTable(results: TableResults, experiment: TableExperiment): Promise<TableSearch> {
  const { name, seed } = experiment;
  const simulation = new Simulation(0);
  const meta = { name, seed, source: '', experiment, written: undefined, threads: 1, version: '', environment: {} };
  const store = Store.inMemory(meta, simulation.now);
  const plan = {
    kind: 'table',
    experiment,
    workdir: '',
    space: results.table.space,
    results,
    simulation,
    clock: simulation.now,
  } as const;
  let [ended, spent]: [string | null, number] = [null, 0];
  const context = {
    plan,
    store,
    observe: (event: RunEvent) => {
      if (event.kind === 'trial-asked') spent += event.askMs;
      if (event.kind === 'note' || event.kind === 'warning') ended = event.message;
    },
    stopping: () => false,
  };
  try {
    await (await Search.of(context, new TableEvaluator(context, plan))).run();
  } catch (error) {
    if (!(error instanceof NasError && error.code === 'infeasible')) throw error;
    ended = error.message;
  }
  const trials = store.trials.all();
  store.close();
  const rows = trials.map(({ genotype }) => results.table.rowOf(genotype));
  const spans = trials.map(({ startedAt, finishedAt }) => ({
    from: (startedAt ?? 0) / 1000,
    to: (finishedAt ?? Infinity) / 1000,
  }));
  return { rows, spans, askMs: spent / Math.max(1, rows.length), ended };
}

/**
 * The problem of each variant of a comparison.
 * @throws NasError `invalid-input` for an invalid table or a missing column.
 */
export async function problemsOf({ space, variants }: Pick<Comparison, 'space' | 'variants'>): Promise<Problem[]> {
  const table = loadTable(space);
  return Promise.all(
    variants.map(async ({ objectives }) => {
      const columns = await columnsOf(table, objectives);
      return new Problem({ table, columns, seconds: null }, objectives);
    }),
  );
}

export async function runTask(comparison: Comparison, problems: readonly Problem[], task: Task): Promise<TaskResult> {
  const { controller, variant, seed } = task;
  const { space, search, variants, noise } = comparison;
  const problem = problems[variant];
  const { name, objectives } = variants[variant];
  const experiment = { name, seed, space, objectives: [...objectives], search: { ...search, controller } };
  const told = noise === undefined ? problem.results : noisy(problem.results, objectives, noise, seed);
  const { rows, askMs, ended } = await searchTable(told, experiment);
  return { task, ...measure(problem, rows), askMs, ended };
}

/** Quality of a sequence of evaluated rows after each row. */
export function measure(problem: Problem, rows: readonly number[]): Pick<TaskResult, 'curve' | 'found'> {
  let members = 0;
  return { curve: problem.curve(rows), found: rows.map((row) => (members += problem.front.has(row) ? 1 : 0)) };
}
