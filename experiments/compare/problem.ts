import {
  hypervolume,
  nonDominated,
  ParetoArchive,
  toPoint,
  violated,
  type Objective,
  type Point,
  type Values,
} from '../../search/index.js';
import type { TableResults } from '../table-results.js';

/** A table as a yardstick: its true frontier, and how much of the volume under it a search has found. */
export class Problem {
  /** Of each row, scaled to [0, 1] with 0 the best; undefined for failed evaluations and broken constraints. */
  private readonly points: readonly (Point | undefined)[];
  private readonly reference: Point;
  private readonly whole: number;
  /** Rows that no other dominates. */
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
   * The share of the true frontier's hypervolume after each evaluation, in [0, 1], in the order of the evaluations.
   * Where no row is better than the reference, there is nothing to find, and the share is 1.
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
