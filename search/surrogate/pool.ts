import type { Random } from '../../base/random.js';
import {
  combinations,
  enumerate,
  genotypeId,
  sampleGenotype,
  type DecisionSpace,
  type Genotype,
} from '../../spaces/index.js';
import type { AskContext, ControllerInput } from '../controller.js';
import { minimized, type Objective, type Values } from '../objective.js';
import type { Judge } from '../propose.js';
import { rangeOf, TrialPoints, type Range } from './acquisition.js';
import { Encoder, type Encoded, type GenotypeRows } from './encoding.js';
import { SuccessModel } from './objective-model.js';

/** Spaces of up to this many combinations are enumerated. */
const listable = 20_000n;

/** Candidates that keep the cheap constraints, encoded for the models. */
export interface Pool {
  readonly genotypes: readonly Genotype[];
  readonly ids: readonly string[];
  readonly encoded: Encoded;
  /** For each cheap objective its values, turned so that smaller is better. */
  readonly known: readonly (Float64Array | undefined)[];
}

/** All candidates of a small space; undefined when there are too many. */
export const listed = (space: DecisionSpace): readonly Genotype[] | undefined =>
  combinations(space) <= listable ? [...enumerate(space)] : undefined;

/** The different ones of `count` random candidates. */
export function sampled(space: DecisionSpace, count: number, random: Random): Genotype[] {
  const found = new Map<string, Genotype>();
  for (let i = 0; i < count; i++) {
    const genotype = sampleGenotype(space, random);
    found.set(genotypeId(genotype), genotype);
  }
  return [...found.values()];
}

/** Encodes the candidates that keep the cheap constraints. @param idsOf ids of the candidates, where they are known. */
export function poolOf(
  candidates: readonly Genotype[],
  objectives: readonly Objective[],
  encoder: Encoder,
  judge: Judge,
  idsOf = candidates.map(genotypeId),
): Pool {
  const judged = candidates
    .map((genotype, i) => ({ genotype, id: idsOf[i], ...judge(genotype, idsOf[i]) }))
    .filter((one) => one.violation === 0);
  const genotypes = judged.map(({ genotype }) => genotype);
  const ids = judged.map(({ id }) => id);
  return {
    genotypes,
    ids,
    encoded: encoder.encode(genotypes, ids),
    known: objectives.map((objective) =>
      objective.cost === 'cheap'
        ? Float64Array.from(judged, ({ values }) => minimized(objective, values[objective.name]))
        : undefined,
    ),
  };
}

/** The candidates at some positions of a pool. */
export function subset({ genotypes, ids, encoded, known }: Pool, positions: readonly number[]): Pool {
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

/** Encoder, pool and ranges; they stay the same while the function of the cheap objectives does. */
export interface SurrogateInputs {
  readonly cheap: AskContext['cheap'];
  readonly encoder: Encoder;
  readonly success: SuccessModel;
  readonly trials: TrialPoints;
  /** The whole space, or a random sample of a large one. */
  readonly pool: Pool;
  /** The range of each cheap objective in the pool. */
  readonly ranges: readonly (Range | undefined)[];
  /** Candidates that are not in the pool because of a cheap constraint. */
  readonly rejected: number;
}

interface InputOptions {
  readonly cheap: AskContext['cheap'];
  /** The whole space, or a sample of it. */
  readonly candidates: readonly Genotype[];
  readonly judge: Judge;
  /** Rows that are known already. */
  readonly rows?: GenotypeRows;
  /** Numbers that models learn from besides the cheap objectives; unknown ones are absent. */
  readonly features?: { readonly names: readonly string[]; readonly of: (genotype: Genotype) => Values };
}

export function surrogateInputs(
  { space, objectives }: ControllerInput,
  { cheap, candidates, judge, rows, features }: InputOptions,
): SurrogateInputs {
  const costs = objectives.filter(({ cost }) => cost === 'cheap').map(({ name }) => name);
  const numbersOf =
    features === undefined ? cheap : (genotype: Genotype): Values => ({ ...cheap(genotype), ...features.of(genotype) });
  const encoder = new Encoder(space, [...costs, ...(features?.names ?? [])], candidates, numbersOf, rows);
  const pool = poolOf(candidates, objectives, encoder, judge);
  const ranges = pool.known.map((values) => values && rangeOf(values));
  return {
    cheap,
    encoder,
    success: new SuccessModel(encoder),
    trials: new TrialPoints(objectives),
    pool,
    ranges,
    rejected: candidates.length - pool.genotypes.length,
  };
}

/** Random candidates among which each trial of the initial design is chosen. */
const draws = 300;

/** The squared distance of two candidates: the mean over the numbers, plus the share of decisions that differ. */
function distance(a: Encoded, i: number, b: Encoded, j: number): number {
  let numbers = 0;
  for (let k = 0; k < a.width; k++) numbers += (a.numbers[i * a.width + k] - b.numbers[j * b.width + k]) ** 2;
  let different = 0;
  for (let d = 0; d < a.decisions; d++) {
    if (a.choices[i * a.decisions + d] !== b.choices[j * b.decisions + d]) different++;
  }
  return numbers / Math.max(1, a.width) + different / Math.max(1, a.decisions);
}

/**
 * The candidate, of some random ones, that is farthest from all that were asked: a maximin initial design (Johnson et al.
 * 1990) over structures and costs.
 *
 * @param allowed positions in the pool; not empty.
 */
export function farthest(pool: Pool, allowed: readonly number[], asked: Encoded, random: Random): number {
  let best = { position: allowed[0], distance: -1 };
  for (let n = 0; n < Math.min(draws, allowed.length); n++) {
    const position = random.pick(allowed);
    let nearest = Infinity;
    for (let j = 0; j < asked.count; j++) nearest = Math.min(nearest, distance(pool.encoded, position, asked, j));
    if (nearest > best.distance) best = { position, distance: nearest };
  }
  return best.position;
}

/** The position with the smallest value of the first cheap objective, or with the largest: an end of the frontier. */
export function endOf(pool: Pool, allowed: readonly number[], end: 'cheapest' | 'dearest'): number | undefined {
  const values = pool.known.find((known) => known !== undefined);
  if (values === undefined) return undefined;
  const sign = end === 'cheapest' ? 1 : -1;
  return allowed.reduce(
    (best, position) => (sign * values[position] < sign * values[best] ? position : best),
    allowed[0],
  );
}
