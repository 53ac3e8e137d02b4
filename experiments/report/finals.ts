import { frontier } from '../../search/frontier.js';
import type { FinalRecord, Store, StoredPrecision } from '../../store/index.js';
import { isMetric, metricsOf } from '../../base/scores.js';
import { isAccuracy } from '../schema/measures.js';
import { plainValues } from '../stored/candidates.js';
import { objectivesOf } from '../stored/experiment.js';
import type { FinalResult, ReportTrial } from './data.js';

type Candidate = Pick<ReportTrial, 'number' | 'precision'>;

export interface FinalResults {
  readonly all: readonly FinalResult[];
  /** Result of a candidate; undefined without a final training. */
  of(candidate: Candidate): FinalResult | undefined;
}

const keyOf = (trial: number, precision: StoredPrecision): string => `${trial} ${precision}`;

/** Results of the final trainings, with the frontier by final accuracies, which may lack members of the search's frontier. */
export function collectFinals(store: Store): FinalResults {
  const records = store.finals.all();
  const ranked = finalFrontier(store, records);
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

function finalFrontier(store: Store, records: readonly FinalRecord[]): ReadonlySet<string> {
  const known = records.flatMap(({ trial, precision, accuracy }) =>
    accuracy === null ? [] : [{ trial, precision, accuracy }],
  );
  if (known.length === 0) return new Set();
  const objectives = objectivesOf(store);
  // The results of the final training replace the accuracy and the class metrics of the search.
  const accuracies = objectives.map(({ name }) => name).filter(isAccuracy);
  const metrics = objectives.map(({ name }) => name).filter(isMetric);
  const results = metrics.length === 0 ? undefined : store.classResults.ofSome(known.map(({ trial }) => trial));
  const trials = new Map(store.trials.some(known.map(({ trial }) => trial)).map((trial) => [trial.number, trial]));
  const judged = known.flatMap(({ trial: number, precision, accuracy }) => {
    const trial = trials.get(number);
    if (trial === undefined) return [];
    const own = precision === trial.precision ? undefined : trial.variants.find((one) => one.precision === precision);
    const byClass = results
      ?.get(number)
      ?.find((one) => one.stage === 'final' && one.split === 'validation' && one.precision === precision);
    const anew = {
      ...Object.fromEntries(accuracies.map((name) => [name, accuracy])),
      ...Object.fromEntries(metrics.map((name) => [name, (byClass && metricsOf(byClass.details)[name]) ?? NaN])),
    };
    const values = { ...plainValues({ ...trial.values, ...own?.values }), ...anew };
    return [{ state: trial.state, values, key: keyOf(number, precision) }];
  });
  return new Set(frontier(judged, objectives).map(({ key }) => key));
}
