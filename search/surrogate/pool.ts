import type { Random } from '../../base/random.js';
import {
  combinations,
  enumerate,
  genotypeId,
  sampleGenotype,
  type DecisionSpace,
  type Genotype,
} from '../../spaces/index.js';
import type { Objective } from '../objective.js';
import type { Judge } from '../propose.js';
import type { Encoded, Encoder } from './encoding.js';

/** Spaces of up to this many combinations are looked at as a whole. */
const listable = 20_000n;

/** Candidates that keep the cheap constraints, as models see them. */
export interface Pool {
  readonly genotypes: readonly Genotype[];
  readonly ids: readonly string[];
  readonly encoded: Encoded;
  /** For each objective that is cheap, the values, turned so that smaller is better. */
  readonly known: readonly (Float64Array | undefined)[];
}

/** All candidates of a small space; undefined when there are too many. */
export const listed = (space: DecisionSpace): readonly Genotype[] | undefined =>
  combinations(space) <= listable ? [...enumerate(space)] : undefined;

/** Different random candidates. */
export function sampled(space: DecisionSpace, count: number, random: Random): Genotype[] {
  const found = new Map<string, Genotype>();
  for (let i = 0; i < count; i++) {
    const genotype = sampleGenotype(space, random);
    found.set(genotypeId(genotype), genotype);
  }
  return [...found.values()];
}

/** Those of the candidates that keep the cheap constraints. */
export function poolOf(
  candidates: readonly Genotype[],
  objectives: readonly Objective[],
  encoder: Encoder,
  judge: Judge,
): Pool {
  const judged = candidates.map((genotype) => ({ genotype, ...judge(genotype) })).filter((one) => one.violation === 0);
  const genotypes = judged.map(({ genotype }) => genotype);
  return {
    genotypes,
    ids: genotypes.map(genotypeId),
    encoded: encoder.encode(genotypes),
    known: objectives.map(({ cost, name, direction }) =>
      cost === 'cheap'
        ? Float64Array.from(judged, ({ values }) => (direction === 'minimize' ? values[name] : -values[name]))
        : undefined,
    ),
  };
}

/** Some of a pool's candidates, by their positions. */
export function shortened({ genotypes, ids, encoded, known }: Pool, positions: readonly number[]): Pool {
  const { width, decisions, numbers, choices } = encoded;
  const few = {
    ...encoded,
    count: positions.length,
    numbers: new Float64Array(positions.length * width),
    choices: new Int16Array(positions.length * decisions),
  };
  for (const [to, from] of positions.entries()) {
    few.numbers.set(numbers.subarray(from * width, (from + 1) * width), to * width);
    few.choices.set(choices.subarray(from * decisions, (from + 1) * decisions), to * decisions);
  }
  return {
    genotypes: positions.map((i) => genotypes[i]),
    ids: positions.map((i) => ids[i]),
    encoded: few,
    known: known.map((values) => values && Float64Array.from(positions, (i) => values[i])),
  };
}
