import { NasError } from '../base/errors.js';
import type { Objective, Values } from './objective.js';

/** Every network of the space was asked, or those left over break a constraint: the search is over. */
export class SpaceExhausted extends NasError {
  constructor(message: string) {
    super('infeasible', message, { hint: 'Widen the space, or ask for fewer trials.' });
  }
}

/** How often candidates broke each constraint, and how close they came to keeping it. */
export class Rejections {
  private readonly byName = new Map<string, { objective: Objective; count: number; low: number; high: number }>();
  /** Candidates that broke at least one. */
  count = 0;

  add(broken: readonly Objective[], values: Values): void {
    this.count++;
    for (const objective of broken) {
      const value = values[objective.name];
      const entry = this.byName.get(objective.name) ?? { objective, count: 0, low: Infinity, high: -Infinity };
      entry.count++;
      entry.low = Math.min(entry.low, value);
      entry.high = Math.max(entry.high, value);
      this.byName.set(objective.name, entry);
    }
  }

  /** `latency_ms rejected 950 (smallest seen 3.1, max 2), params rejected 12 (...)`, the strictest first. */
  toString(): string {
    return [...this.byName.values()]
      .sort((a, b) => b.count - a.count)
      .map(({ objective: { name, constraint = {} }, count, low, high }) => {
        const { min, max } = constraint;
        const closest = [
          ...(max !== undefined && high > max ? [`smallest seen ${short(low)}, max ${short(max)}`] : []),
          ...(min !== undefined && low < min ? [`largest seen ${short(high)}, min ${short(min)}`] : []),
        ];
        return `${name} rejected ${count} (${closest.length === 0 ? 'not a number' : closest.join('; ')})`;
      })
      .join(', ');
  }
}

const short = (value: number): string => String(Number(value.toPrecision(6)));

export const infeasible = (space: string, candidates: number, rejections: Rejections): NasError =>
  new NasError(
    'infeasible',
    `no network of the space ${space} was found that keeps the constraints: of ${candidates} candidates, ` +
      rejections.toString(),
    { hint: 'Relax the constraint, or give the space smaller (or larger) choices.' },
  );
