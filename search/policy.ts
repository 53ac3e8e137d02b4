import type { Random } from '../base/random.js';
import type { DecisionSpace, Genotype } from '../spaces/index.js';

/** A factorised categorical policy: for each decision, the logits of its choices. */
export type Policy = readonly (readonly number[])[];

export const uniformPolicy = ({ decisions }: DecisionSpace): Policy =>
  decisions.map(({ choices }) => choices.map(() => 0));

/** The probabilities of one decision's choices; a temperature above 1 makes them more alike. */
export function softmax(logits: readonly number[], temperature = 1): number[] {
  const most = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp((logit - most) / temperature));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** Draws a genotype, not canonical. */
export const samplePolicy = (policy: Policy, temperature: number, random: Random): Genotype =>
  policy.map((logits) => {
    let left = random.uniform();
    const found = softmax(logits, temperature).findIndex((probability) => (left -= probability) < 0);
    return found === -1 ? logits.length - 1 : found;
  });

/** The logarithm of a genotype's probability, as far as its decisions say anything. */
export const logProbability = (policy: Policy, genotype: Genotype, relevant: readonly boolean[]): number =>
  policy.reduce((sum, logits, i) => sum + (relevant[i] ? Math.log(softmax(logits)[genotype[i]]) : 0), 0);

/** How far one result moves a policy. */
export interface PolicyStep {
  readonly genotype: Genotype;
  readonly relevant: readonly boolean[];
  /** How much better than expected, in standard deviations; scaled by the learning rate. */
  readonly advantage: number;
  /** The weight of the entropy, which keeps the policy from settling too early; scaled by the learning rate. */
  readonly entropy: number;
}

/**
 * One step of REINFORCE (Williams 1992): the gradient of the logarithm of the probability of what was done, times the
 * advantage, plus the gradient of the policy's entropy.
 */
export function reinforced(policy: Policy, { genotype, relevant, advantage, entropy }: PolicyStep): Policy {
  return policy.map((logits, i) => {
    if (!relevant[i]) return logits;
    const probabilities = softmax(logits);
    const mean = probabilities.reduce((sum, p) => sum + (p > 0 ? p * Math.log(p) : 0), 0);
    return logits.map((logit, choice) => {
      const p = probabilities[choice];
      const towards = (choice === genotype[i] ? 1 : 0) - p;
      const spread = p > 0 ? -p * (Math.log(p) - mean) : 0;
      return logit + advantage * towards + entropy * spread;
    });
  });
}
