import { mean, quantile } from '../../base/statistics.js';
import { csvLine } from '../../base/text.js';
import type { Comparison, TaskResult } from './task.js';

export interface Quartiles {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** @param values at least one. */
export function quartilesOf(values: readonly number[]): Quartiles {
  const sorted = values.toSorted((a, b) => a - b);
  return { low: quantile(sorted, 0.25), median: quantile(sorted, 0.5), high: quantile(sorted, 0.75) };
}

/** Quartiles of several groups as one: each the mean over the groups. */
const meanQuartiles = (groups: readonly Quartiles[]): Quartiles => ({
  low: mean(groups.map(({ low }) => low)),
  median: mean(groups.map(({ median }) => median)),
  high: mean(groups.map(({ high }) => high)),
});

/** Share of the hypervolume at which the frontier counts as found. */
const goal = 0.99;

/** How often and how fast a method reaches the goal. */
export interface Reached {
  /** Median over seeds, averaged over the variants that reach the goal; null when none does. */
  readonly evaluations: number | null;
  /** Number of variants whose median over seeds reaches the goal, and of all variants. */
  readonly variants: readonly [reached: number, of: number];
  /** Number of searches that reach the goal, and of all searches. */
  readonly searches: readonly [reached: number, of: number];
}

/** One method's results, over all seeds and variants. */
export interface MethodSummary {
  readonly method: string;
  /** Hypervolume after each evaluation: quartiles over seeds, averaged over variants. */
  readonly curve: readonly Quartiles[];
  /** The same for each variant alone. */
  readonly variants: readonly { readonly name: string; readonly curve: readonly Quartiles[] }[];
  readonly to99: Reached;
  /** Number of evaluated rows of the true frontier at the end: median over seeds, averaged over variants. */
  readonly found: number;
  /** Mean time of one ask, in ms; null for methods that were not timed. */
  readonly askMs: number | null;
  /** Distinct reasons of searches that ended early. */
  readonly ended: readonly string[];
}

export type Measured = Pick<TaskResult, 'curve' | 'found' | 'ended'> & { readonly askMs: number | null };

/** @param searches of each variant, one per seed */
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

/** Share after `n` evaluations; constant after the end of the search. */
const reachedBy = (curve: readonly number[], n: number): number => curve[Math.min(n, curve.length - 1)] ?? 0;

/** Number of evaluations until the goal; infinite when it is not reached. */
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

/** Summaries of all controllers, in the given order. */
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

/** Hypervolume after each evaluation as CSV, of each variant and, with several, of their mean. */
export function curvesCsv(methods: readonly MethodSummary[]): string {
  const head = csvLine(['method', 'variant', 'evaluations', 'low', 'median', 'high']);
  const lines = methods.flatMap(({ method, variants, curve }) =>
    [...variants, ...(variants.length > 1 ? [{ name: 'mean', curve }] : [])].flatMap((each) =>
      each.curve.map(({ low, median, high }, n) => csvLine([method, each.name, n + 1, low, median, high])),
    ),
  );
  return [head, ...lines].join('');
}
