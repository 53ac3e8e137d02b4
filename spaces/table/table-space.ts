import { BoundedCache } from '../../base/bounded-cache.js';
import { type Decision, type Genotype, genotypeId } from '../genotype.js';
import { combinations } from '../operators.js';
import { structureOf } from '../cells.js';
import type { DecisionSpace, Members } from '../space.js';

function lexicographic(a: Genotype, b: Genotype): number {
  const first = a.findIndex((index, i) => index !== b[i]);
  return first < 0 ? 0 : a[first] - b[first];
}

/** Neighbourhoods that are remembered: a controller asks for those of a few parents again and again. */
const maxKnown = 10_000;

/** @param genotypes at least one, all different, all of one length */
export function createMembers(genotypes: readonly Genotype[]): Members {
  const sorted = genotypes.toSorted(lexicographic);
  const indices = new Map(sorted.map((genotype, i) => [genotypeId(genotype), i]));
  const length = sorted[0].length;
  const flat = Uint32Array.from(sorted.flat());
  const widest = sorted.reduce<number[]>((most, genotype) => genotype.map((v, i) => Math.max(v, most[i] ?? 0)), []);
  const known = new BoundedCache<readonly Genotype[]>(maxKnown);

  /** Members that differ in one decision, each looked up; not in order. */
  const besides = (genotype: Genotype): Genotype[] =>
    genotype.flatMap((own, i) => {
      const found: Genotype[] = [];
      for (let choice = 0; choice <= widest[i]; choice++) {
        const index = choice === own ? undefined : indices.get(genotypeId(genotype.with(i, choice)));
        if (index !== undefined) found.push(sorted[index]);
      }
      return found;
    });

  /** The Hamming distance of each member. */
  const distances = (genotype: Genotype): Uint32Array => {
    const result = new Uint32Array(sorted.length);
    for (let m = 0, at = 0; m < sorted.length; m++)
      for (let i = 0; i < length; i++, at++) if (flat[at] !== genotype[i]) result[m]++;
    return result;
  };

  const scan = (genotype: Genotype, fewest: number): Genotype[] => {
    const shells: Genotype[][] = Array.from({ length: length + 1 }, () => []);
    for (const [m, distance] of distances(genotype).entries()) if (distance > 0) shells[distance].push(sorted[m]);
    const found: Genotype[] = [];
    for (const shell of shells) {
      if (found.length >= fewest) break;
      found.push(...shell);
    }
    return found;
  };

  return {
    size: sorted.length,
    has: (genotype) => indices.has(genotypeId(genotype)),
    at: (index) => sorted[index],
    nearest: (genotype, fewest) =>
      known.of(`${fewest}:${genotypeId(genotype)}`, () => {
        const near = besides(genotype);
        return near.length >= fewest ? near.sort(lexicographic) : scan(genotype, fewest);
      }),
  };
}

/**
 * A space of columns without networks: every combination is a point of its own. Known columns also give features (see
 * `structureOf`).
 * @param rows the existing combinations, all different, when not all exist
 */
export function tableSpace(name: string, decisions: readonly Decision[], rows?: readonly Genotype[]): DecisionSpace {
  const all = combinations({ decisions });
  return {
    name,
    decisions,
    canonical: (genotype) => genotype,
    ...structureOf(decisions),
    count: () => (rows === undefined ? all : BigInt(rows.length)),
    ...(rows === undefined || BigInt(rows.length) === all ? {} : { members: createMembers(rows) }),
  };
}
