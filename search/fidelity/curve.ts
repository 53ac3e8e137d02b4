import { feasible } from '../frontier.js';
import type { Objective, Values } from '../objective.js';
import { chanceAbove, extrapolate, type Outcome } from './extrapolation.js';
import type { Decision, RungResult, Scheduler, SchedulerInput, Standing } from './scheduler.js';

interface Options extends SchedulerInput {
  /** Epochs of the rungs, ascending. */
  readonly rungs: readonly number[];
  readonly threshold: number;
  /** Trials trained to their end before any is stopped. */
  readonly warmup: number;
}

/** The objective that training changes; undefined when there is none, or several, and nothing is extrapolated. */
function learned(objectives: readonly Objective[]): Objective | undefined {
  const expensive = objectives.filter(({ cost }) => cost === 'expensive');
  return expensive.length === 1 ? expensive[0] : undefined;
}

const signed = ({ direction }: Objective, value: number): number => (direction === 'maximize' ? value : -value);

/**
 * The value, larger being better, that a trial has to exceed to enter the frontier with its other values as they are:
 * the best of the members that are nowhere worse than it in those.
 */
function needed(objective: Objective, objectives: readonly Objective[], values: Values, whole: readonly RungResult[]) {
  const others = objectives.filter(({ name }) => name !== objective.name);
  const trials = whole.map((result) => ({ state: 'complete', values: result.values }));
  const rivals = feasible(trials, objectives).filter(({ trial }) =>
    others.every((other) => signed(other, trial.values[other.name]) >= signed(other, values[other.name])),
  );
  const { min = -Infinity, max = Infinity } = objective.constraint ?? {};
  const bound = objective.direction === 'maximize' ? min : -max;
  return rivals.reduce((most, { trial }) => Math.max(most, signed(objective, trial.values[objective.name])), bound);
}

/**
 * Stops hopeless trials: at every rung, the value that training changes is extrapolated to the end, and a trial whose
 * chance to add to the frontier is below the threshold is stopped; any other goes on. The chance is that of exceeding all
 * members that are nowhere worse in the other objectives, which are known exactly.
 */
export function curveStopping({ objectives, rungs, epochs, threshold, warmup }: Options): Scheduler {
  const objective = learned(objectives);

  const hopeless = (standing: Standing, { trial, epochs: here, values }: RungResult): string | undefined => {
    if (objective === undefined) return undefined;
    const whole = standing.results.filter((result) => result.epochs === epochs);
    const last = new Map(whole.map((result) => [result.trial, result.values[objective.name]]));
    const outcomes = standing.results.flatMap((result): Outcome[] => {
      const late = result.epochs === here && result.trial !== trial ? last.get(result.trial) : undefined;
      return late === undefined
        ? []
        : [{ early: signed(objective, result.values[objective.name]), late: signed(objective, late) }];
    });
    if (outcomes.length < warmup) return undefined;
    const expected = extrapolate(signed(objective, values[objective.name]), outcomes);
    const bound = needed(objective, objectives, values, whole);
    const chance = chanceAbove(expected, bound);
    if (chance >= threshold) return undefined;
    const [low, need] = [signed(objective, expected.mean), signed(objective, bound)].map((value) =>
      value.toPrecision(3),
    );
    const share = `${(100 * chance).toFixed(1)} % chance to enter the frontier`;
    return `${share} (${objective.name} ${low} ± ${expected.spread.toPrecision(1)} expected, ${need} needed)`;
  };

  const ofResult = (standing: Standing, result: RungResult): Decision | undefined => {
    const { trial, epochs: here } = result;
    const next = rungs[rungs.indexOf(here) + 1] as number | undefined;
    if (next === undefined || standing.ended.has(trial)) return undefined;
    if (standing.steps.some((step) => step.trial === trial && step.epochs === next)) return undefined;
    const why = hopeless(standing, result);
    return why === undefined
      ? { kind: 'promote', trial, epochs: next, reason: `after ${here} of ${epochs} epochs` }
      : { kind: 'stop', trial, reason: `stopped after ${here} of ${epochs} epochs: ${why}` };
  };

  return {
    first: rungs[0],
    decide: (standing) => {
      for (const result of standing.results) {
        const decision = ofResult(standing, result);
        if (decision !== undefined) return decision;
      }
      return standing.mayAsk ? { kind: 'ask' } : undefined;
    },
  };
}
