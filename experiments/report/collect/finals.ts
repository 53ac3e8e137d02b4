import type { FinalRecord, Store } from '../../../store/index.js';
import type { FinalResult } from '../data.js';

const toResult = ({ state, accuracy, testAccuracy, epochs, message }: FinalRecord): FinalResult => ({
  state,
  accuracy,
  testAccuracy,
  epochs,
  message,
});

/** What the final training made of the networks, by trial. */
export const collectFinals = (store: Store): ReadonlyMap<number, FinalResult> =>
  new Map(store.finals.all().map((record) => [record.trial, toResult(record)]));
