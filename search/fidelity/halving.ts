import type { RungResult, Scheduler, SchedulerDecision, SchedulerInput, Standing } from './scheduler.js';
import { toPoint } from '../frontier.js';
import { byVolume } from '../hypervolume.js';
import { type Objective, violation } from '../objective.js';
import { nonDominatedRanks, scaled } from '../pareto.js';

interface AshaOptions extends SchedulerInput {
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
export function asynchronousHalving({ objectives, rungs, eta, epochs }: AshaOptions): Scheduler {
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

interface HalvingOptions extends SchedulerInput {
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
export function successiveHalving({ objectives, rungs, eta, bracket, epochs }: HalvingOptions): Scheduler {
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

/**
 * The results of one rung, best first: those that keep all constraints by non-dominated front, within a front by
 * hypervolume contribution; then those that break one, by how much (Deb et al. 2002); last those with a value that is
 * not a number. The order depends on the results and their trials only, not on the order in which they are given.
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
  const ranks = nonDominatedRanks(points);
  const fronts = Math.max(-1, ...ranks) + 1;
  const best = Array.from({ length: fronts }, (_, rank) => {
    const members = [...points.keys()].filter((i) => ranks[i] === rank);
    return byVolume(members.map((i) => points[i])).map((j) => kept[members[j]].result);
  });
  const broken = judged
    .filter(({ point, excess }) => point !== undefined && excess > 0)
    .sort((a, b) => a.excess - b.excess);
  const unknown = judged.filter(({ point }) => point === undefined);
  return [...best.flat(), ...[...broken, ...unknown].map(({ result }) => result)];
}
