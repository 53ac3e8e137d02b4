import type { FinalRecord, Store } from '../../../store/index.js';
import { isAccuracy } from '../../measures.js';
import type { FinalResult, ReportTrial } from '../data.js';
import { objectivesOf } from './run.js';
import { collectTrial, frontierOf } from './trials.js';

/**
 * What the final training made of the networks, by trial. It ranks them anew: some of the search's frontier may no longer
 * be on the frontier of the final accuracies.
 */
export function collectFinals(store: Store): ReadonlyMap<number, FinalResult> {
  const records = store.finals.all();
  const ranked = rankedAnew(store, records);
  return new Map(
    records.map(({ trial, state, accuracy, testAccuracy, epochs, from, message }) => [
      trial,
      {
        state,
        accuracy,
        testAccuracy,
        epochs,
        from,
        message,
        onFrontier: accuracy === null ? null : ranked.has(trial),
      },
    ]),
  );
}

/** The trials on the frontier when each is judged by its final accuracy. */
function rankedAnew(store: Store, records: readonly FinalRecord[]): ReadonlySet<number> {
  const accuracies = new Map(records.flatMap(({ trial, accuracy }) => (accuracy === null ? [] : [[trial, accuracy]])));
  if (accuracies.size === 0) return new Set();
  const objectives = objectivesOf(store);
  // All are judged by the same kind, so it may stand where the search's kind stood.
  const judgedBy = objectives.map(({ name }) => name).filter(isAccuracy);
  const judged = [...accuracies].flatMap(([number, accuracy]): ReportTrial[] => {
    const trial = collectTrial(store, number);
    const anew = Object.fromEntries(judgedBy.map((name) => [name, accuracy]));
    return trial === undefined ? [] : [{ ...trial, values: { ...trial.values, ...anew } }];
  });
  return new Set(frontierOf(judged, objectives).map(({ number }) => number));
}
