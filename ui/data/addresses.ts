import type { RunId } from '../../experiments/page/api.js';

/** Where a run stands. */
export const runAddress = (run: RunId): string => `/runs/${encodeURIComponent(run)}`;

/** Where its trials stand. */
export const trialsAddress = (run: RunId): string => `${runAddress(run)}/trials`;

/** Where one of them stands. */
export const trialAddress = (run: RunId, number: number): string => `${trialsAddress(run)}/${number}`;
