import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadPlan, LoadRequest } from './load/plan.js';

/** Settings of all serving benchmarks. */
export interface Setting {
  /** Folder for temporary files. */
  readonly root: string;
  readonly rounds: number;
  /** Duration of one measurement. */
  readonly seconds: number;
  /** Python executable with FastAPI. */
  readonly python: string;
  readonly print: (line: string) => void;
}

/** Budget of a request under an open load, in ms. */
export const budgetMs = 100;

/** One inference thread leaves half of a two-core machine for HTTP and the load generator. */
export const oneWorker = ['--workers', '1'] as const;

/** The folder of one benchmark. */
export function folderOf({ root }: Setting, name: string): string {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The requests with a budget header. */
const withBudget = (requests: readonly LoadRequest[], ms: number): LoadRequest[] =>
  requests.map(({ headers, ...rest }) => ({ ...rest, headers: { ...headers, 'x-budget-ms': String(ms) } }));

/** Budget in ms for closed loads, which measure only rate and cost. */
const unlimitedMs = 30_000;

/** A closed load: every connection sends the next request after a response. */
export const closedLoad = (
  requests: readonly LoadRequest[],
  { seconds }: Setting,
  connections: number,
): Omit<LoadPlan, 'port'> => ({
  requests: withBudget(requests, unlimitedMs),
  pace: { kind: 'closed' },
  seconds,
  connections,
  budgetMs: unlimitedMs,
});

/** An open load with Poisson arrivals. */
export const openLoad = (
  requests: readonly LoadRequest[],
  { seconds }: Pick<Setting, 'seconds'>,
  { perSecond, seed }: { readonly perSecond: number; readonly seed: number },
): Omit<LoadPlan, 'port'> => ({
  requests: withBudget(requests, budgetMs),
  pace: { kind: 'open', perSecond, seed },
  seconds,
  connections: 512,
  budgetMs,
});
