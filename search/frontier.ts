import { dominates, nonDominated, type Point } from './pareto.js';
import { type Objective, type Values, violated } from './objective.js';

/** A trial as far as the frontier is concerned. */
export interface Judged {
  readonly state: string;
  readonly values: Values;
}

/**
 * Objective values in the objectives' order, turned so that smaller is better; undefined when one is missing or not
 * finite.
 */
export function toPoint(objectives: readonly Objective[], values: Values): Point | undefined {
  const point = objectives.map(({ name, direction }) => (direction === 'minimize' ? values[name] : -values[name]));
  return point.every((value) => Number.isFinite(value)) ? point : undefined;
}

/** The point of a trial that may be on a frontier: complete, and keeping all constraints; undefined for all others. */
export const judgedPoint = ({ state, values }: Judged, objectives: readonly Objective[]): Point | undefined =>
  state === 'complete' && violated(objectives, values).length === 0 ? toPoint(objectives, values) : undefined;

/** Complete trials that keep all constraints, with their points; what a frontier is made of. */
export const feasible = <T extends Judged>(
  trials: readonly T[],
  objectives: readonly Objective[],
): { readonly trial: T; readonly point: Point }[] =>
  trials.flatMap((trial) => {
    const point = judgedPoint(trial, objectives);
    return point === undefined ? [] : [{ trial, point }];
  });

/**
 * The Pareto frontier: the complete trials that keep all constraints and that no other of these dominates, in the order
 * given. Trials with equal values are all members. With one objective: the best trials.
 */
export function frontier<T extends Judged>(trials: readonly T[], objectives: readonly Objective[]): T[] {
  const candidates = feasible(trials, objectives);
  return nonDominated(candidates.map(({ point }) => point)).map((i) => candidates[i].trial);
}

interface Placed {
  readonly point: Point;
}

/** A front with a further member, without those that it dominates; the same array when it is dominated itself. */
export function withPoint<T extends Placed>(front: readonly T[], newcomer: T): readonly T[] {
  if (front.some(({ point }) => dominates(point, newcomer.point))) return front;
  return [...front.filter(({ point }) => !dominates(newcomer.point, point)), newcomer];
}

/** The points that no other dominates, kept while points come in. Equal points are all kept. */
export class ParetoArchive<T> {
  private front: readonly (Placed & { readonly item: T })[] = [];

  /** Takes a point in, and removes those that it dominates. @returns false when it is dominated itself: nothing changed. */
  insert(item: T, point: Point): boolean {
    const before = this.front;
    this.front = withPoint(before, { item, point });
    return this.front !== before;
  }

  /** In the order in which they were taken in. */
  get items(): readonly T[] {
    return this.front.map(({ item }) => item);
  }

  get points(): readonly Point[] {
    return this.front.map(({ point }) => point);
  }
}

/** The frontier of trials (see `frontier`), kept up while they end: each costs a look at the members only. */
export class FrontierArchive<T extends Judged> {
  private readonly archive = new ParetoArchive<T>();

  constructor(private readonly objectives: readonly Objective[]) {}

  /** Takes a trial in, once. @returns whether it is a member now; otherwise the frontier has not changed. */
  insert(trial: T): boolean {
    const point = judgedPoint(trial, this.objectives);
    return point !== undefined && this.archive.insert(trial, point);
  }

  /** In the order in which they were taken in. */
  get members(): readonly T[] {
    return this.archive.items;
  }
}
