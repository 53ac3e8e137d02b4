import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadPlan, LoadRequest } from './load/plan.js';

/** What all benches are told. */
export interface Setting {
  /** A folder for files of the run. */
  readonly root: string;
  readonly rounds: number;
  /** Of one turn. */
  readonly seconds: number;
  /** Of the soak. */
  readonly minutes: number;
  /** Whose FastAPI is a peer. */
  readonly python: string;
  readonly say: (line: string) => void;
}

/** What each request has under an open load, in ms. */
export const budgetMs = 100;

/** One inference thread, so that half of a machine with two cores is left for HTTP and the load. */
export const oneWorker = ['--workers', '1'] as const;

/** A bench's own folder. */
export function folderOf({ root }: Setting, name: string): string {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** So many connections that ask again when they are answered, as fast as the server is. */
export const closedLoad = (
  requests: readonly LoadRequest[],
  { seconds }: Setting,
  connections: number,
): Omit<LoadPlan, 'port'> => ({
  requests: [...requests],
  pace: { kind: 'closed' },
  seconds,
  connections,
  budgetMs: 10_000,
});

/** Poisson arrivals of requests that say what their budget is. */
export const openLoad = (
  requests: readonly LoadRequest[],
  { seconds }: Pick<Setting, 'seconds'>,
  { perSecond, seed }: { readonly perSecond: number; readonly seed: number },
): Omit<LoadPlan, 'port'> => ({
  requests: requests.map(({ headers, ...rest }) => ({
    ...rest,
    headers: { ...headers, 'x-budget-ms': String(budgetMs) },
  })),
  pace: { kind: 'open', perSecond, seed },
  seconds,
  connections: 512,
  budgetMs,
});
