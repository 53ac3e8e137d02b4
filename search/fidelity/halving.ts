import { rankResults } from './ranking.js';
import type { SchedulerDecision, Scheduler, SchedulerInput, Standing } from './scheduler.js';

interface Options extends SchedulerInput {
  /** Epochs of the rungs, ascending. */
  readonly rungs: readonly number[];
  readonly eta: number;
  /** Trials that compete with each other. */
  readonly bracket: number;
}

/**
 * Successive halving (Jamieson & Talwalkar 2016) in brackets of trials that were asked one after the other: once all
 * that are left of a bracket have reached a rung (or ended before it), the best 1 / eta of them, at least one, go on, and
 * the others are stopped. While a bracket waits for its last results, the next one begins.
 */
export function successiveHalving({ objectives, rungs, eta, bracket, epochs }: Options): Scheduler {
  /** The decision that a complete rung of a bracket leaves to be made; null when the bracket has to wait for results. */
  const judge = (
    standing: Standing,
    members: readonly number[],
    level: number,
  ): SchedulerDecision | null | undefined => {
    const [here, next] = [rungs[level], rungs[level + 1]];
    const mine = new Set(members);
    const rung = standing.results.filter((result) => result.epochs === here && mine.has(result.trial));
    const reached = new Set(rung.map(({ trial }) => trial));
    if (members.some((trial) => !reached.has(trial) && !standing.ended.has(trial))) return null;
    const goesOn = new Set(standing.steps.filter((step) => step.epochs === next).map(({ trial }) => trial));
    const ranked = rankResults(rung, objectives);
    const slots = Math.max(1, Math.floor(rung.length / eta));
    for (const [place, { trial }] of ranked.entries()) {
      if (goesOn.has(trial) || standing.ended.has(trial)) continue;
      const rank = `rank ${place + 1} of ${rung.length}`;
      return place < slots
        ? { kind: 'promote', trial, epochs: next, reason: `${rank} after ${here} of ${epochs} epochs` }
        : { kind: 'stop', trial, reason: `stopped after ${here} of ${epochs} epochs: ${rank} in its rung` };
    }
    return undefined;
  };
  /** The first decision that a bracket allows: of its lowest rung that is not done. */
  const ofBracket = (standing: Standing, first: number): SchedulerDecision | undefined => {
    let members = Array.from({ length: Math.min(bracket, standing.asked - first) }, (_, i) => first + i);
    for (let level = 0; level < rungs.length - 1; level++) {
      const decision = judge(standing, members, level);
      if (decision === null) return undefined;
      if (decision !== undefined) return decision;
      const next = rungs[level + 1];
      members = members.filter((trial) => standing.steps.some((step) => step.trial === trial && step.epochs === next));
    }
    return undefined;
  };
  return {
    first: rungs[0],
    decide: (standing) => {
      for (let first = 0; first < standing.asked; first += bracket) {
        const full = first + bracket <= standing.asked || !standing.mayAsk;
        const decision = full ? ofBracket(standing, first) : undefined;
        if (decision !== undefined) return decision;
      }
      return standing.mayAsk ? { kind: 'ask' } : undefined;
    },
  };
}
