import type { Values } from '../../search/index.js';
import type { Store } from '../../store/index.js';

/** Values that an evaluation of the user's own had after some of its epochs. */
export interface PartialReport {
  readonly epochs: number;
  /** By objective. */
  readonly values: Values;
}

/** More reports than a trial has rungs. */
const most = 100;

export const storeReport = (store: Store, trial: number, report: PartialReport): void =>
  store.events.add({ kind: 'reported', trial, detail: report });

/** The stored values of a trial after some of its epochs; undefined when it never got there. */
export function reportOf(store: Store, trial: number, epochs: number): Values | undefined {
  const reports = store.events.last(['reported'], most, trial).map(({ detail }) => detail as PartialReport);
  return reports.find((report) => report.epochs === epochs)?.values;
}
