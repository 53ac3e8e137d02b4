import { judgedPoint, type Judged } from './frontier.js';
import type { Objective } from './objective.js';
import { dominates, type Point } from './pareto.js';

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
