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

/** The same requests, saying in how many ms an answer is of use. */
const withBudget = (requests: readonly LoadRequest[], ms: number): LoadRequest[] =>
  requests.map(({ headers, ...rest }) => ({ ...rest, headers: { ...headers, 'x-budget-ms': String(ms) } }));

/** Where only rates and costs matter, no answer is too late, in ms. */
const patientMs = 30_000;

/** So many connections that ask again when they are answered, as fast as the server is. */
export const closedLoad = (
  requests: readonly LoadRequest[],
  { seconds }: Setting,
  connections: number,
): Omit<LoadPlan, 'port'> => ({
  requests: withBudget(requests, patientMs),
  pace: { kind: 'closed' },
  seconds,
  connections,
  budgetMs: patientMs,
});

/** Poisson arrivals. */
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
