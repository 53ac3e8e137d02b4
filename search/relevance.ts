import { sameGenotype, type DecisionSpace, type Genotype } from '../spaces/index.js';

/**
 * For each decision of a canonical genotype, whether it says anything: in a canonical genotype, those that other choices
 * make irrelevant (the kernel of a layer that is not there) have index 0, which must not be taken for a preference.
 */
export const relevantDecisions = (space: DecisionSpace, genotype: Genotype): readonly boolean[] =>
  genotype.map((index, i) => {
    const last = space.decisions[i].choices.length - 1;
    return index !== 0 || last === 0 || !sameGenotype(space.canonical(genotype.with(i, last)), genotype);
  });
