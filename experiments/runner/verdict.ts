import { NasError } from '../../base/errors.js';
import { violated, type Objective } from '../../search/index.js';
import type { TrialRecord } from '../../store/index.js';
import { frontierCandidates, plainValues } from './loop/frontier.js';

/**
 * What a search without any result ends with.
 * @throws NasError `infeasible` when trials break a constraint; `failure` when all others failed.
 */
export function requireResult(trials: readonly TrialRecord[], objectives: readonly Objective[]): void {
  if (trials.length === 0 || frontierCandidates(trials, objectives).length > 0) return;
  const failures = failuresOf(trials);
  const broken = objectives.flatMap((objective) => brokenBy(trials, objective));
  if (broken.length > 0) {
    const parts = [`none of ${trials.length} trials keeps the constraints: ${broken.join(', ')}`, ...failures];
    throw new NasError('infeasible', parts.join('; '), {
      hint: 'Relax the constraint, or give the space smaller (or larger) choices.',
    });
  }
  const stopped = trials.filter(({ state }) => state === 'pruned').length;
  const others = stopped === 0 ? [] : [`${stopped} were stopped early`];
  throw new NasError('failure', [...failures, ...others].join('; '), {
    hint: 'nas trials lists them; when the cause is gone, nas run --fresh starts over.',
  });
}

/** `all 5 trials failed; trial 1: out of memory (the reason of 4)`; nothing when none failed. */
function failuresOf(trials: readonly TrialRecord[]): string[] {
  const failed = trials.filter(({ state }) => state === 'failed');
  if (failed.length === 0) return [];
  const all = trials.length === 1 ? 'the only trial failed' : `all ${trials.length} trials failed`;
  const some = `${failed.length} of ${trials.length} trials failed`;
  return [failed.length === trials.length ? all : some, mostFrequent(failed)];
}

/** The reason that most failures share; numbers in it (a step, an address) may differ. */
function mostFrequent(failed: readonly TrialRecord[]): string {
  const kindOf = ({ message }: TrialRecord): string => message?.replaceAll(/\d+/g, '0') ?? '';
  const counts = new Map<string, number>();
  for (const trial of failed) counts.set(kindOf(trial), (counts.get(kindOf(trial)) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const first = failed.find((trial) => counts.get(kindOf(trial)) === most) ?? failed[0];
  const times = most === 1 ? '' : ` (the reason of ${most})`;
  return `trial ${first.number}: ${first.message ?? 'no reason was recorded'}${times}`;
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
