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

interface HalvingOptions extends AshaOptions {
  /** Trials that compete with each other. */
  readonly bracket: number;
}

/**
 * Successive halving (Jamieson & Talwalkar 2016) in brackets of consecutive trials: once all remaining trials of a
 * bracket have reached a rung (or ended before it), the best 1 / eta of them, at least one, are promoted, and the others
 * are stopped. While a bracket waits for its last results, the next one starts.
 */
export function successiveHalving({ objectives, rungs, eta, bracket, epochs }: HalvingOptions): Scheduler {
  /** The next decision of a complete rung of a bracket; null when the bracket has to wait for results. */
  const judge = (
    state: SchedulerState,
    members: readonly number[],
    level: number,
  ): SchedulerDecision | null | undefined => {
    const [here, next] = [rungs[level], rungs[level + 1]];
    const rung = state.results.filter((result) => result.epochs === here && members.includes(result.trial));
    const reached = new Set(rung.map(({ trial }) => trial));
    if (members.some((trial) => !reached.has(trial) && !state.ended.has(trial))) return null;
    const promoted = promotedTo(state, next);
    const slots = Math.max(1, Math.floor(rung.length / eta));
    for (const [place, { trial }] of rankResults(rung, objectives).entries()) {
      if (promoted.has(trial) || state.ended.has(trial)) continue;
      const rank = `rank ${place + 1} of ${rung.length}`;
      return place < slots
        ? { kind: 'promote', trial, epochs: next, reason: `${rank} after ${here} of ${epochs} epochs` }
        : { kind: 'stop', trial, reason: `stopped after ${here} of ${epochs} epochs: ${rank} in its rung` };
    }
    return undefined;
  };

  /** The next decision of a bracket: that of its lowest rung that is not done. */
  const ofBracket = (state: SchedulerState, first: number): SchedulerDecision | undefined => {
    let members = Array.from({ length: Math.min(bracket, state.asked - first) }, (_, i) => first + i);
    for (let level = 0; level < rungs.length - 1; level++) {
      const decision = judge(state, members, level);
      if (decision === null) return undefined;
      if (decision !== undefined) return decision;
      const promoted = promotedTo(state, rungs[level + 1]);
      members = members.filter((trial) => promoted.has(trial));
    }
    return undefined;
  };

  return {
    first: rungs[0],
    decide: (state) => {
      for (let first = 0; first < state.asked; first += bracket) {
        const isFull = first + bracket <= state.asked || !state.mayAsk;
        const decision = isFull ? ofBracket(state, first) : undefined;
        if (decision !== undefined) return decision;
      }
      return state.mayAsk ? { kind: 'ask' } : undefined;
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
