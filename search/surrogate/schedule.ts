import type { Told } from '../controller.js';
import type { Objective } from '../objective.js';
import { observed } from './fit.js';

/** Trials that are spread over the space before a model is asked, unless the experiment says otherwise. */
export const startup = 8;

/** Models are fitted again each time there is a fifth more to learn from, and at least every so many trials. */
const growth = 1.2;
const longest = 100;

/** The number of trials, up to `count`, at which models were last fitted; the first time at `first`. */
export function fittedAt(count: number, first: number): number {
  let at = first;
  for (;;) {
    const next = Math.min(Math.max(at + 1, Math.floor(at * growth)), at + longest);
    if (next > count) return at;
    at = next;
  }
}

/**
 * The beginning of a history that models are fitted to, which changes only now and then; what comes later is added to
 * the fitted models. Undefined until each expensive objective has `first` values.
 */
export function fittedTo(
  history: readonly Told[],
  objectives: readonly Objective[],
  first: number,
): readonly Told[] | undefined {
  const expensive = objectives.filter(({ cost }) => cost !== 'cheap');
  const counts = expensive.map(() => 0);
  let start: number | undefined = expensive.length === 0 ? 0 : undefined;
  /** Where in the history the trials are that have a value. */
  const ends = [0];
  for (const [i, told] of history.entries()) {
    const has = expensive.map((objective) => observed(objective, told) !== undefined);
    if (!has.some(Boolean)) continue;
    ends.push(i + 1);
    for (const k of counts.keys()) if (has[k]) counts[k]++;
    if (start === undefined && counts.every((count) => count >= first)) start = ends.length - 1;
  }
  return start === undefined ? undefined : history.slice(0, ends[fittedAt(ends.length - 1, start)]);
}

/** Whether two histories are the same objects, and so what was learnt from one holds for the other. */
export const sameTrials = (a: readonly Told[], b: readonly Told[]): boolean =>
  a.length === b.length && a.every((told, i) => told === b[i]);
