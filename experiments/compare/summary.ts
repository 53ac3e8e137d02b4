import type { TaskResult } from './comparison.js';
import { mean, meanQuartiles, quartilesOf, type Quartiles } from './statistics.js';

/** The share of the hypervolume that counts as having found the frontier. */
const goal = 0.99;

/** How often a method got to the goal, and after how many evaluations. */
export interface Reached {
  /** The mean over the variants that get there of the median over the seeds; null when none does. */
  readonly evaluations: number | null;
  /** Variants whose median over the seeds gets there, of how many. */
  readonly variants: readonly [reached: number, of: number];
  /** Searches that get there, of how many. */
  readonly searches: readonly [reached: number, of: number];
}

/** One method's results, over all seeds and variants. */
export interface MethodSummary {
  readonly method: string;
  /** Hypervolume after each evaluation: the mean over the variants of each quartile over the seeds. */
  readonly curve: readonly Quartiles[];
  /** The same for each variant alone. */
  readonly variants: readonly { readonly name: string; readonly curve: readonly Quartiles[] }[];
  readonly to99: Reached;
  /** Rows of the true frontier that were evaluated in the end: the mean over the variants of the median. */
  readonly found: number;
  /** Mean time of one ask, in ms; null for methods that were not timed. */
  readonly askMs: number | null;
  /** Why searches ended early, each reason once. */
  readonly ended: readonly string[];
}

/** What a summary needs of one search. */
export type Measured = Pick<TaskResult, 'curve' | 'found' | 'ended'> & { readonly askMs: number | null };

/** @param searches of each variant, one a seed. */
export function summarise(
  method: string,
  evaluations: number,
  searches: readonly { readonly name: string; readonly seeds: readonly Measured[] }[],
): MethodSummary {
  const variants = searches.map(({ name, seeds }) => ({
    name,
    curve: Array.from({ length: evaluations }, (_, n) => quartilesOf(seeds.map(({ curve }) => reachedBy(curve, n)))),
  }));
  const all = searches.flatMap(({ seeds }) => seeds);
  const times = all.flatMap(({ askMs }) => (askMs === null ? [] : [askMs]));
  const found = searches.map(({ seeds }) => quartilesOf(seeds.map((each) => each.found.at(-1) ?? 0)).median);
  return {
    method,
    curve: Array.from({ length: evaluations }, (_, n) => meanQuartiles(variants.map(({ curve }) => curve[n]))),
    variants,
    to99: reachedGoal(searches.map(({ seeds }) => seeds.map(({ curve }) => firstAt(curve)))),
    found: mean(found),
    askMs: times.length === 0 ? null : mean(times),
    ended: [...new Set(all.flatMap(({ ended }) => ended ?? []))],
  };
}

/** A search that has ended keeps what it has found. */
const reachedBy = (curve: readonly number[], n: number): number => curve[Math.min(n, curve.length - 1)] ?? 0;

/** The number of evaluations after which the goal is reached; infinite when it never is. */
function firstAt(curve: readonly number[]): number {
  const at = curve.findIndex((share) => share >= goal);
  return at < 0 ? Infinity : at + 1;
}

function reachedGoal(firsts: readonly (readonly number[])[]): Reached {
  const medians = firsts.map((seeds) => quartilesOf(seeds).median);
  const there = medians.filter((n) => Number.isFinite(n));
  const searches = firsts.flat();
  return {
    evaluations: there.length === 0 ? null : mean(there),
    variants: [there.length, medians.length],
    searches: [searches.filter((n) => Number.isFinite(n)).length, searches.length],
  };
}
