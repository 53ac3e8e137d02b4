import { toPoint } from '../frontier.js';
import { byVolume } from '../hypervolume.js';
import { violation, type Objective } from '../objective.js';
import { nonDominatedFronts, scaled } from '../pareto.js';
import type { RungResult, Scheduler, SchedulerDecision, SchedulerInput, SchedulerState } from './scheduler.js';

interface AshaOptions extends SchedulerInput {
  /** Epochs of the rungs, ascending. */
  readonly rungs: readonly number[];
  readonly eta: number;
}

/** Trials that were promoted to a rung. */
const promotedTo = ({ steps }: SchedulerState, epochs: number): ReadonlySet<number> =>
  new Set(steps.filter((step) => step.epochs === epochs).map(({ trial }) => trial));

/**
 * Asynchronous successive halving (Li et al. 2020) with several objectives (after Schmucker et al. 2021), without
 * barriers: when a worker is free, the best trial of the highest rung that has room is promoted, otherwise a new trial
 * starts. Of n results of a rung at most n / eta are promoted, and only the best n / eta by non-dominated front and
 * hypervolume contribution. (Li et al. promote trials that were among the best at some time; here their number is bounded
 * at any time.) Once no trial can be asked any more, each rung promotes at least one, so that even the smallest search
 * trains one trial to its end, and the others are stopped.
 */
export function asynchronousHalving({ objectives, rungs, eta, epochs }: AshaOptions): Scheduler {
  const rungAt = ({ results }: SchedulerState, level: number): RungResult[] =>
    results.filter((result) => result.epochs === rungs[level]);

  /** The best trial of a rung that is neither promoted nor ended, and its rank; only ranks below `slots` count. */
  const bestOf = (state: SchedulerState, level: number, rung: readonly RungResult[], slots = rung.length) => {
    const promoted = promotedTo(state, rungs[level + 1]);
    if (promoted.size >= slots) return undefined;
    const ranked = rankResults(rung, objectives).slice(0, slots);
    const place = ranked.findIndex(({ trial }) => !promoted.has(trial) && !state.ended.has(trial));
    return place < 0 ? undefined : { trial: ranked[place].trial, rank: `rank ${place + 1} of ${rung.length}` };
  };

  const promote = (state: SchedulerState, level: number): SchedulerDecision | undefined => {
    const rung = rungAt(state, level);
    const isLast = state.isIdle && !state.mayAsk && rung.length > 0;
    const best = bestOf(state, level, rung, Math.max(isLast ? 1 : 0, Math.floor(rung.length / eta)));
    if (best === undefined) return undefined;
    const reason = `${best.rank} after ${rungs[level]} of ${epochs} epochs`;
    return { kind: 'promote', trial: best.trial, epochs: rungs[level + 1], reason };
  };

  const stop = (state: SchedulerState, level: number): SchedulerDecision | undefined => {
    const best = bestOf(state, level, rungAt(state, level));
    if (best === undefined) return undefined;
    const reason = `stopped after ${rungs[level]} of ${epochs} epochs: ${best.rank} in its rung`;
    return { kind: 'stop', trial: best.trial, reason };
  };

  const levels = [...rungs.keys()].slice(0, -1).reverse();
  const first = (decide: typeof promote, state: SchedulerState): SchedulerDecision | undefined => {
    for (const level of levels) {
      const decision = decide(state, level);
      if (decision !== undefined) return decision;
    }
    return undefined;
  };

  return {
    first: rungs[0],
    decide: (state) => {
      const promotion = first(promote, state);
      if (promotion !== undefined) return promotion;
      if (state.mayAsk) return { kind: 'ask' };
      return state.isIdle ? first(stop, state) : undefined;
    },
  };
}

/**
 * The results of one rung, best first: results that keep all constraints by non-dominated front, within a front by
 * hypervolume contribution; then results that break one, by how much (Deb et al. 2002); last results with a value that
 * is not a number. The order in which the results are given does not matter.
 */
export function rankResults(results: readonly RungResult[], objectives: readonly Objective[]): RungResult[] {
  const judged = [...results]
    .sort((a, b) => a.trial - b.trial)
    .map((result) => ({
      result,
      point: toPoint(objectives, result.values),
      excess: violation(objectives, result.values),
    }));
  const kept = judged.flatMap(({ result, point, excess }) =>
    point !== undefined && excess === 0 ? [{ result, point }] : [],
  );
  const points = scaled(kept.map(({ point }) => point));
  const best = nonDominatedFronts(points).flatMap((front) =>
    byVolume(front.map((i) => points[i])).map((j) => kept[front[j]].result),
  );
  const broken = judged
    .filter(({ point, excess }) => point !== undefined && excess > 0)
    .sort((a, b) => a.excess - b.excess);
  const unknown = judged.filter(({ point }) => point === undefined);
  return [...best, ...[...broken, ...unknown].map(({ result }) => result)];
}
