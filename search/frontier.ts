import { nonDominated, type Point } from './pareto.js';
import { violated, type Objective, type Values } from './objective.js';

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
