import { NasError } from '../../base/errors.js';
import { violated, type Objective } from '../../search/index.js';
import type { TrialRecord } from '../../store/index.js';
import { frontierTrials, plainValues } from './frontier.js';

/**
 * What a search without any result ends with.
 * @throws NasError `failure` when every trial failed; `infeasible` when those with values all break a constraint.
 */
export function requireResult(trials: readonly TrialRecord[], objectives: readonly Objective[]): void {
  if (trials.length === 0 || frontierTrials(trials, objectives).length > 0) return;
  const failed = trials.filter(({ state }) => state === 'failed');
  if (failed.length === trials.length) {
    const [{ number, message }] = failed;
    const all = failed.length === 1 ? 'the only trial failed' : `all ${failed.length} trials failed`;
    throw new NasError('failure', `${all}; trial ${number}: ${message ?? 'no reason was recorded'}`, {
      hint: 'nas trials lists them; when the cause is gone, nas run --fresh starts over.',
    });
  }
  const broken = objectives.flatMap((objective) => brokenBy(trials, objective));
  if (broken.length === 0) return;
  throw new NasError('infeasible', `none of ${trials.length} trials keeps the constraints: ${broken.join(', ')}`, {
    hint: 'Relax the constraint, or give the space smaller (or larger) choices.',
  });
}

const short = (value: number): string => String(Number(value.toPrecision(6)));

/** How many trials broke an objective's constraint, and how close they came. */
function brokenBy(trials: readonly TrialRecord[], objective: Objective): string[] {
  const { name, constraint: { min, max } = {} } = objective;
  const values = trials.map((trial) => plainValues(trial.values)).filter((each) => name in each);
  const bad = values.filter((each) => violated([objective], each).length > 0).map((each) => each[name]);
  if (bad.length === 0) return [];
  const [low, high] = [Math.min(...bad), Math.max(...bad)];
  const closest = [
    ...(max !== undefined && high > max ? [`smallest ${short(low)}, max ${short(max)}`] : []),
    ...(min !== undefined && low < min ? [`largest ${short(high)}, min ${short(min)}`] : []),
  ];
  return [`${name} of ${bad.length} (${closest.join('; ')})`];
}
