import { rankResults } from './ranking.js';
import type { SchedulerDecision, RungResult, Scheduler, SchedulerInput, Standing } from './scheduler.js';

interface Options extends SchedulerInput {
  /** Epochs of the rungs, ascending. */
  readonly rungs: readonly number[];
  readonly eta: number;
}

/**
 * Asynchronous successive halving (Li et al. 2020) with several objectives (after Schmucker et al. 2021): whenever a
 * worker is free, the best trial of the highest rung that has room goes on, otherwise a new trial begins; nothing is ever
 * waited for. Of n results of a rung at most n / eta go on, and only out of the best n / eta by non-dominated front and
 * hypervolume contribution. (Li et al. let trials go on that were among the best at some time; here their number is
 * bounded at any time.) Once no trial can be asked any more, at least one of each rung goes on: even the smallest search
 * has a trial that was trained to its end. All others are stopped then.
 */
export function asynchronousHalving({ objectives, rungs, eta, epochs }: Options): Scheduler {
  const ofRung = ({ results }: Standing, level: number): RungResult[] =>
    results.filter((result) => result.epochs === rungs[level]);

  /** Trials that were sent on from a rung. */
  const promoted = ({ steps }: Standing, level: number): Set<number> =>
    new Set(steps.filter((step) => step.epochs === rungs[level + 1]).map(({ trial }) => trial));

  const promote = (standing: Standing, level: number): SchedulerDecision | undefined => {
    const rung = ofRung(standing, level);
    const goOn = promoted(standing, level);
    const last = standing.settled && !standing.mayAsk && rung.length > 0;
    const slots = Math.max(last ? 1 : 0, Math.floor(rung.length / eta));
    if (goOn.size >= slots) return undefined;
    const ranked = rankResults(rung, objectives).slice(0, slots);
    const place = ranked.findIndex(({ trial }) => !goOn.has(trial) && !standing.ended.has(trial));
    if (place < 0) return undefined;
    const reason = `rank ${place + 1} of ${rung.length} after ${rungs[level]} of ${epochs} epochs`;
    return { kind: 'promote', trial: ranked[place].trial, epochs: rungs[level + 1], reason };
  };

  const stop = (standing: Standing, level: number): SchedulerDecision | undefined => {
    const rung = ofRung(standing, level);
    const goOn = promoted(standing, level);
    const ranked = rankResults(rung, objectives);
    const place = ranked.findIndex(({ trial }) => !goOn.has(trial) && !standing.ended.has(trial));
    if (place < 0) return undefined;
    const rank = `rank ${place + 1} of ${rung.length} in its rung`;
    const reason = `stopped after ${rungs[level]} of ${epochs} epochs: ${rank}`;
    return { kind: 'stop', trial: ranked[place].trial, reason };
  };

  const levels = [...rungs.keys()].slice(0, -1).reverse();
  const first = (decide: (level: number) => SchedulerDecision | undefined): SchedulerDecision | undefined => {
    for (const level of levels) {
      const decision = decide(level);
      if (decision !== undefined) return decision;
    }
    return undefined;
  };

  return {
    first: rungs[0],
    decide: (standing) => {
      const promotion = first((level) => promote(standing, level));
      if (promotion !== undefined) return promotion;
      if (standing.mayAsk) return { kind: 'ask' };
      return standing.settled ? first((level) => stop(standing, level)) : undefined;
    },
  };
}
