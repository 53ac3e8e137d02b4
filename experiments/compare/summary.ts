import type { Comparison, TaskResult } from './task.js';
import { csvLine } from '../../base/text.js';

/** A middle value and the range of the middle half. */
export interface Quartiles {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** The quantile of sorted values, interpolated between neighbours (R's type 7); infinite neighbours stay infinite. */
function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const [a, b] = [sorted[below], sorted[Math.ceil(at)]];
  return a === b ? a : a + (at - below) * (b - a);
}

/** @param values at least one. */
export function quartilesOf(values: readonly number[]): Quartiles {
  const sorted = values.toSorted((a, b) => a - b);
  return { low: quantile(sorted, 0.25), median: quantile(sorted, 0.5), high: quantile(sorted, 0.75) };
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** Quartiles of several groups as one: each the mean over the groups. */
const meanQuartiles = (groups: readonly Quartiles[]): Quartiles => ({
  low: mean(groups.map(({ low }) => low)),
  median: mean(groups.map(({ median }) => median)),
  high: mean(groups.map(({ high }) => high)),
});

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

/** The summary of every controller of a comparison, in the order given. */
export const summariseAll = (
  { controllers, variants, search }: Comparison,
  results: readonly TaskResult[],
): MethodSummary[] =>
  controllers.map((controller) =>
    summarise(
      controller,
      search.trials,
      variants.map(({ name }, i) => ({
        name,
        seeds: results.filter(({ task }) => task.controller === controller && task.variant === i),
      })),
    ),
  );

/** The curves as CSV: hypervolume after each evaluation, of each variant and (with several) of their mean. */
export function curvesCsv(methods: readonly MethodSummary[]): string {
  const head = csvLine(['method', 'variant', 'evaluations', 'low', 'median', 'high']);
  const lines = methods.flatMap(({ method, variants, curve }) =>
    [...variants, ...(variants.length > 1 ? [{ name: 'mean', curve }] : [])].flatMap((each) =>
      each.curve.map(({ low, median, high }, n) => csvLine([method, each.name, n + 1, low, median, high])),
    ),
  );
  return [head, ...lines].join('');
}
