import type { Random } from '../base/random.js';
import type { Decision, DecisionSpace, Genotype } from '../spaces/index.js';

/** An observed genotype and which of its decisions say anything. */
export interface Observation {
  readonly genotype: Genotype;
  readonly relevant: readonly boolean[];
}

/** Whether the order of choices means something: numbers, as kernel sizes and widths. */
const isOrdinal = ({ choices }: Decision): boolean => choices.every((choice) => typeof choice === 'number');

/** How much likelier than the next one each step away from the observed choice is, where choices are ordered. */
const decay = 0.5;

/**
 * The kernel of one decision: for each observed choice, the probabilities of all choices, a row each; the last row is
 * that of no observation, which is uniform. As in Bergstra et al. 2011, each choice counts 1 / `kernels` beforehand and
 * the observed one counts 1 more, so kernels narrow as observations come in. Between numbers, what is not the observed
 * choice's falls off with the distance.
 */
function kernelOf(decision: Decision, kernels: number): Float64Array[] {
  const count = decision.choices.length;
  const [own, other] = [1 + 1 / kernels, 1 / kernels].map((weight) => weight / (1 + count / kernels));
  const rows = Array.from({ length: count }, (_, observed) => {
    const shares = Array.from({ length: count }, (_, choice) =>
      choice === observed ? 0 : isOrdinal(decision) ? decay ** Math.abs(choice - observed) : 1,
    );
    const total = shares.reduce((a, b) => a + b, 0);
    const rest = other * (count - 1);
    return Float64Array.from(shares, (share, choice) => (choice === observed ? own : (rest * share) / total));
  });
  return [...rows, new Float64Array(count).fill(1 / count)];
}

/**
 * A distribution over genotypes made of observations: a mixture of one product of kernels for each, and of the uniform
 * distribution (the multivariate Parzen estimator of Falkner et al. 2018, with weights).
 */
export class ParzenEstimator {
  private readonly kernels: readonly Float64Array[][];
  /** For each kernel of the mixture and each decision, the row of the decision's kernel. */
  private readonly rows: Uint16Array;
  private readonly total: number;

  /** @param weights one for each observation; the uniform part has weight 1. */
  constructor(
    private readonly space: DecisionSpace,
    observations: readonly Observation[],
    private readonly weights: readonly number[],
  ) {
    const { decisions } = space;
    this.kernels = decisions.map((decision) => kernelOf(decision, observations.length + 1));
    this.rows = new Uint16Array(observations.length * decisions.length);
    let at = 0;
    for (const { genotype, relevant } of observations) {
      for (let i = 0; i < genotype.length; i++)
        this.rows[at++] = relevant[i] ? genotype[i] : decisions[i].choices.length;
    }
    this.total = weights.reduce((sum, weight) => sum + weight, 1);
  }

  /** Draws a genotype, not canonical. */
  sample(random: Random): Genotype {
    let left = random.uniform() * this.total;
    const found = this.weights.findIndex((weight) => (left -= weight) < 0);
    const { decisions } = this.space;
    return decisions.map(({ choices }, i) =>
      found === -1
        ? random.int(choices.length)
        : draw(this.kernels[i][this.rows[found * decisions.length + i]], random),
    );
  }

  /** The logarithm of a genotype's probability. */
  logDensity(genotype: Genotype): number {
    const columns = genotype.map((choice, i) => Float64Array.from(this.kernels[i], (row) => row[choice]));
    let sum = columns.reduce((product, column) => product * column[column.length - 1], 1);
    let at = 0;
    for (const weight of this.weights) {
      let product = weight;
      for (const column of columns) product *= column[this.rows[at++]];
      sum += product;
    }
    return Math.log(sum / this.total);
  }
}

function draw(probabilities: Float64Array, random: Random): number {
  let left = random.uniform();
  for (let i = 0; i < probabilities.length - 1; i++) {
    left -= probabilities[i];
    if (left < 0) return i;
  }
  return probabilities.length - 1;
}
