import type { Random } from '../../base/random.js';
import { sameGenotype, sampleGenotype, type DecisionSpace, type Genotype } from '../../spaces/index.js';
import type { AskContext, ControllerInput } from '../controller.js';
import type { AskedIds } from '../history.js';
import type { Candidate, Judge } from '../propose.js';
import type { SearchConfig } from '../schema.js';

/**
 * The part of a controller that is its own: from the results so far, a generator of candidates. `propose` draws until a
 * candidate is new and keeps the cheap constraints. A strategy that compares candidates checks `asked` and `judge` itself.
 */
export type Strategy = (context: AskContext, random: Random, asked: AskedIds, judge: Judge) => () => Candidate;

export type StrategyFactory = (config: SearchConfig, input: ControllerInput) => Strategy;

/** A candidate and how promising it is; greater is better. */
export interface Scored {
  readonly candidate: Candidate;
  readonly score: number;
}

/** Generates candidates batch by batch, within a batch by descending score (of equals, the earlier first). */
export function bestFirst(draw: () => readonly Scored[]): () => Candidate {
  let queue: readonly Scored[] = [];
  let next = 0;
  return () => {
    if (next >= queue.length) {
      queue = [...draw()].sort((a, b) => b.score - a.score);
      next = 0;
    }
    return queue[next++].candidate;
  };
}

/** Random search: every decision uniform over its choices. */
export const randomStrategy: StrategyFactory =
  (_config, { space }) =>
  (_context, random) =>
  () => ({ genotype: sampleGenotype(space, random), reason: 'random' });

/**
 * Whether each decision of a canonical genotype matters. Decisions that others make irrelevant (the kernel of an absent
 * layer) have index 0 there, which is no preference.
 */
export const relevantDecisions = (space: DecisionSpace, genotype: Genotype): readonly boolean[] =>
  genotype.map((index, i) => {
    const last = space.decisions[i].choices.length - 1;
    return index !== 0 || last === 0 || !sameGenotype(space.canonical(genotype.with(i, last)), genotype);
  });
