import { minimized, violated, type Objective, type Values } from './objective.js';
import { dominates, nonDominated, type Point } from './pareto.js';

/** What decides whether a trial is on the frontier. */
export interface Judged {
  readonly state: string;
  readonly values: Values;
}

/** Values in the objectives' order, turned so that smaller is better; undefined when one is missing or not finite. */
export function toPoint(objectives: readonly Objective[], values: Values): Point | undefined {
  const point = objectives.map((objective) => minimized(objective, values[objective.name]));
  return point.every((value) => Number.isFinite(value)) ? point : undefined;
}

/** The point of a complete trial that keeps all constraints; undefined for all others. */
export const judgedPoint = ({ state, values }: Judged, objectives: readonly Objective[]): Point | undefined =>
  state === 'complete' && violated(objectives, values).length === 0 ? toPoint(objectives, values) : undefined;

/** Complete trials that keep all constraints, with their points. */
export const feasible = <T extends Judged>(
  trials: readonly T[],
  objectives: readonly Objective[],
): { readonly trial: T; readonly point: Point }[] =>
  trials.flatMap((trial) => {
    const point = judgedPoint(trial, objectives);
    return point === undefined ? [] : [{ trial, point }];
  });

/**
 * The Pareto frontier: the non-dominated ones among complete trials that keep all constraints, in the order given.
 * Trials with equal values are all members. With one objective: the best trials.
 */
export function frontier<T extends Judged>(trials: readonly T[], objectives: readonly Objective[]): T[] {
  const candidates = feasible(trials, objectives);
  return nonDominated(candidates.map(({ point }) => point)).map((i) => candidates[i].trial);
}

interface HasPoint {
  readonly point: Point;
}

/** Adds a member to a front and removes members that it dominates; returns the same array when it is dominated itself. */
export function withPoint<T extends HasPoint>(front: readonly T[], newcomer: T): readonly T[] {
  if (front.some(({ point }) => dominates(point, newcomer.point))) return front;
  return [...front.filter(({ point }) => !dominates(newcomer.point, point)), newcomer];
}

/** The non-dominated points so far, in the order of insertion. Equal points are all kept. */
export class ParetoArchive<T> {
  private front: readonly (HasPoint & { readonly item: T })[] = [];

  /** @returns false when the point is dominated; the archive is then unchanged. */
  insert(item: T, point: Point): boolean {
    const before = this.front;
    this.front = withPoint(before, { item, point });
    return this.front !== before;
  }

  get items(): readonly T[] {
    return this.front.map(({ item }) => item);
  }

  get points(): readonly Point[] {
    return this.front.map(({ point }) => point);
  }
}

/** The frontier (see `frontier`), updated trial by trial; an insertion compares with its members only. */
export class FrontierArchive<T extends Judged> {
  private readonly archive = new ParetoArchive<T>();

  constructor(private readonly objectives: readonly Objective[]) {}

  /** @param trial inserted at most once. @returns whether it is a member now; otherwise the frontier is unchanged. */
  insert(trial: T): boolean {
    const point = judgedPoint(trial, this.objectives);
    return point !== undefined && this.archive.insert(trial, point);
  }

  get members(): readonly T[] {
    return this.archive.items;
  }
}
