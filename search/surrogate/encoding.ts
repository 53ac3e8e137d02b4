import { groupBy } from '../../base/group.js';
import { BoundedCache } from '../../base/bounded-cache.js';
import { meanOrZero } from '../../base/statistics.js';
import { genotypeId, type Decision, type DecisionSpace, type Genotype } from '../../spaces/index.js';
import type { Values } from '../objective.js';

/** Candidates as models see them, one row each. */
export interface Encoded {
  readonly count: number;
  /** Standardised numbers; row-major, `count` x `width`. */
  readonly numbers: Float64Array;
  readonly width: number;
  /** Index of the choice of each decision; one past the last choice where the decision is not executed. */
  readonly choices: Int16Array;
  readonly decisions: number;
}

/**
 * Distances in [0, 1] between the choices of a decision: between numbers by their positions in the list, otherwise 0 or
 * 1. Row-major; the last row and column stand for a decision that is not executed, at distance 1 from every choice.
 */
export function choiceDistances({ choices }: Decision): Float64Array {
  const n = choices.length;
  const ordered = choices.every((choice) => typeof choice === 'number');
  const distances = new Float64Array((n + 1) * (n + 1)).fill(1);
  for (let a = 0; a <= n; a++) {
    for (let b = 0; b <= n; b++) {
      if (a === b) distances[a * (n + 1) + b] = 0;
      else if (ordered && a < n && b < n) distances[a * (n + 1) + b] = Math.abs(a - b) / (n - 1);
    }
  }
  return distances;
}

/** Fewest decisions with the same choices that are counted together. */
const minAlike = 3;

/**
 * Counts how often each choice is taken over decisions with the same choices (operations of a cell's edges, kernels of a
 * network's layers), where it is likely to have the same effect.
 */
function tallyOf(decisions: readonly Decision[]): (genotype: Genotype) => number[] {
  const groups = groupBy(decisions.keys(), (i) => JSON.stringify(decisions[i].choices));
  const alike = [...groups.values()].filter(
    (group) => group.length >= minAlike && decisions[group[0]].choices.length > 1,
  );
  return (genotype) =>
    alike.flatMap((group) => {
      const counts = decisions[group[0]].choices.map(() => 0);
      for (const decision of group) counts[genotype[decision]]++;
      return counts;
    });
}

/** Standardises a column to mean 0 and variance 1; a constant column becomes 0. */
function standardisation(values: readonly number[]): { shift: number; scale: number } {
  const finite = values.filter(Number.isFinite);
  const mean = meanOrZero(finite);
  const variance = meanOrZero(finite.map((value) => (value - mean) ** 2));
  return { shift: mean, scale: variance > 1e-12 * (1e-12 + mean ** 2) ? 1 / Math.sqrt(variance) : 0 };
}

/** Candidates whose rows are cached before the cache is emptied. */
const maxCached = 10_000;

/** What follows from a genotype alone. */
interface Row {
  readonly numbers: readonly number[];
  readonly choices: readonly number[];
}

/** The features, counts of choices and choices of candidates, which do not depend on predictions. */
export class GenotypeRows {
  private readonly cached = new BoundedCache<Row>(maxCached);
  private readonly tally: (genotype: Genotype) => number[];

  constructor(private readonly space: DecisionSpace) {
    this.tally = tallyOf(space.decisions);
  }

  of(genotype: Genotype, id = genotypeId(genotype)): Row {
    return this.cached.of(id, () => {
      const { space } = this;
      const executed = space.active?.(genotype);
      return {
        numbers: [...(space.features?.(genotype) ?? []), ...this.tally(genotype)],
        choices: space.decisions.map(({ choices }, d) => (executed?.[d] === false ? choices.length : genotype[d])),
      };
    });
  }
}

/** Encodes candidates of one space: choices, features of the space, counts of choices, and further numbers. */
export class Encoder {
  readonly width: number;
  readonly distances: readonly Float64Array[];
  private readonly columns: readonly { shift: number; scale: number; log: boolean }[];

  /**
   * @param names further numbers; they are on a logarithmic scale if all are positive.
   * @param reference candidates whose numbers define the standardisation.
   * @param numbersOf gives the further numbers; an absent one is taken to be average.
   */
  constructor(
    private readonly space: DecisionSpace,
    private readonly names: readonly string[],
    reference: readonly Genotype[],
    private readonly numbersOf: (genotype: Genotype) => Values,
    private readonly rows = new GenotypeRows(space),
  ) {
    this.distances = space.decisions.map(choiceDistances);
    const encoded = reference.map((genotype) => {
      const values = numbersOf(genotype);
      return [...rows.of(genotype).numbers, ...names.map((name) => values[name])];
    });
    this.width = encoded[0].length;
    this.columns = encoded[0].map((_, k) => {
      const values = encoded.map((row) => row[k]);
      const log = k >= this.width - names.length && values.every((value) => value > 0 || !Number.isFinite(value));
      return { log, ...standardisation(log ? values.map(Math.log) : values) };
    });
  }

  /** @param ids of the genotypes, where they are known. */
  encode(genotypes: readonly Genotype[], ids?: readonly string[]): Encoded {
    const { width, columns } = this;
    const decisions = this.space.decisions.length;
    const numbers = new Float64Array(genotypes.length * width);
    const choices = new Int16Array(genotypes.length * decisions);
    const put = (at: number, k: number, value: number): void => {
      const { log, shift, scale } = columns[k];
      const z = ((log ? Math.log(value) : value) - shift) * scale;
      numbers[at + k] = Number.isFinite(z) ? z : 0;
    };
    for (const [i, genotype] of genotypes.entries()) {
      const row = this.rows.of(genotype, ids?.[i]);
      const own = row.numbers.length;
      for (let k = 0; k < own; k++) put(i * width, k, row.numbers[k]);
      const values = this.numbersOf(genotype);
      for (const [k, name] of this.names.entries()) put(i * width, own + k, values[name]);
      choices.set(row.choices, i * decisions);
    }
    return { count: genotypes.length, numbers, width, choices, decisions };
  }

  /** Computes what `encode` needs of a candidate. */
  prepare(genotype: Genotype, id?: string): void {
    this.rows.of(genotype, id);
  }
}
