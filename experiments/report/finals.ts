import type { FinalRecord, Store, StoredPrecision } from '../../store/index.js';
import { isAccuracy } from '../schema/measures.js';
import { frontier } from '../../search/frontier.js';
import { plainValues } from '../stored/candidates.js';
import type { FinalResult, ReportTrial } from './data.js';
import { objectivesOf } from '../stored/experiment.js';

/** A network in the precision that it is shown in. */
type Shown = Pick<ReportTrial, 'number' | 'precision'>;

/** What the final training made of the networks. */
export interface FinalResults {
  readonly all: readonly FinalResult[];
  /** Of a trial's network in its precision; undefined where it was not trained again. */
  of(shown: Shown): FinalResult | undefined;
}

const keyOf = (trial: number, precision: StoredPrecision): string => `${trial} ${precision}`;

/**
 * What the final training made of the networks. It ranks them anew: some of the search's frontier may no longer be on the
 * frontier of the final accuracies.
 */
export function collectFinals(store: Store): FinalResults {
  const records = store.finals.all();
  const ranked = rankedAnew(store, records);
  const results = new Map(
    records.map(({ trial, precision, state, accuracy, testAccuracy, epochs, from, message }) => {
      const key = keyOf(trial, precision);
      const onFrontier = accuracy === null ? null : ranked.has(key);
      return [key, { state, accuracy, testAccuracy, epochs, from, message, onFrontier }];
    }),
  );
  return {
    all: [...results.values()],
    of: ({ number, precision }) => results.get(keyOf(number, precision ?? 'fp32')),
  };
}

/** The networks on the frontier when each is judged by its final accuracy, by their keys. */
function rankedAnew(store: Store, records: readonly FinalRecord[]): ReadonlySet<string> {
  const known = records.flatMap(({ trial, precision, accuracy }) =>
    accuracy === null ? [] : [{ trial, precision, accuracy }],
  );
  if (known.length === 0) return new Set();
  const objectives = objectivesOf(store);
  // All are judged by the same kind, so it may stand where the search's kind stood.
  const judgedBy = objectives.map(({ name }) => name).filter(isAccuracy);
  const trials = new Map(store.trials.some(known.map(({ trial }) => trial)).map((trial) => [trial.number, trial]));
  const judged = known.flatMap(({ trial: number, precision, accuracy }) => {
    const trial = trials.get(number);
    if (trial === undefined) return [];
    const own = precision === trial.precision ? undefined : trial.variants.find((one) => one.precision === precision);
    const anew = Object.fromEntries(judgedBy.map((name) => [name, accuracy]));
    const values = { ...plainValues({ ...trial.values, ...own?.values }), ...anew };
    return [{ state: trial.state, values, key: keyOf(number, precision) }];
  });
  return new Set(frontier(judged, objectives).map(({ key }) => key));
}
