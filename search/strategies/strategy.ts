import type { Random } from '../../base/random.js';
import type { AskContext, ControllerInput } from '../controller.js';
import type { AskedIds } from '../history.js';
import type { Candidate, Judge } from '../propose.js';
import type { SearchConfig } from '../schema.js';
import { type DecisionSpace, type Genotype, sameGenotype, sampleGenotype } from '../../spaces/index.js';

/**
 * What is particular to a controller: from what is known, a source of candidates that would be worth trying. It is
 * drawn from until a candidate is new and keeps the constraints; a strategy that chooses among several candidates looks
 * into `asked` itself, not to choose one in vain, and looks at them through `judge`, which knows the cheap constraints.
 */
export type Strategy = (context: AskContext, random: Random, asked: AskedIds, judge: Judge) => () => Candidate;

export type StrategyFactory = (config: SearchConfig, input: ControllerInput) => Strategy;

/** A candidate and how promising it is; greater is better. */
export interface Scored {
  readonly candidate: Candidate;
  readonly score: number;
}

/** Candidates of one batch after another, each batch from the most promising to the least (of equals, the earlier). */
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
 * For each decision of a canonical genotype, whether it says anything: in a canonical genotype, those that other choices
 * make irrelevant (the kernel of a layer that is not there) have index 0, which must not be taken for a preference.
 */
export const relevantDecisions = (space: DecisionSpace, genotype: Genotype): readonly boolean[] =>
  genotype.map((index, i) => {
    const last = space.decisions[i].choices.length - 1;
    return index !== 0 || last === 0 || !sameGenotype(space.canonical(genotype.with(i, last)), genotype);
  });
