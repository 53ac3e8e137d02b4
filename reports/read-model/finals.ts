import { frontier } from '../../search/frontier.js';
import type { FinalRecord, FoldRecord, Store, StoredPrecision } from '../../store/index.js';
import { mean, sum } from '../../base/statistics.js';
import { isMetric, metricsOf } from '../../base/scores.js';
import { isAccuracy } from '../../experiments/schema/measures.js';
import { plainValues } from '../../runner/stored/candidates.js';
import { objectivesOf } from '../../runner/stored/experiment.js';
import type { FinalResult, FoldSummary, ReportTrial } from './data.js';
import { RunEvidence } from './evidence.js';

type Candidate = Pick<ReportTrial, 'number' | 'precision'>;

export interface FinalResults {
  readonly all: readonly FinalResult[];
  /** Result of a candidate; undefined without a final training. */
  of(candidate: Candidate): FinalResult | undefined;
}

const keyOf = (trial: number, precision: StoredPrecision): string => `${trial} ${precision}`;

/** Results of the final trainings, with the frontier by final accuracies, which may lack members of the search's frontier. */
export function collectFinals(store: Store, evidence = new RunEvidence(store)): FinalResults {
  const records = store.finals.all();
  const folds = foldSummaries(store);
  const ranked = finalFrontier(store, records, folds);
  const results = new Map(
    records.map(({ trial, precision, state, accuracy, testAccuracy, epochs, from, message }) => {
      const key = keyOf(trial, precision);
      const onFrontier = accuracy === null ? null : ranked.has(key);
      const ofFolds = folds.get(key);
      const result = { state, accuracy, testAccuracy, epochs, from, message, onFrontier };
      const [standardError, testStandardError] = [
        evidence.errorOf('validation', accuracy, { number: trial, precision }),
        evidence.errorOf('test', testAccuracy, { number: trial, precision }),
      ];
      const errors = {
        ...(standardError !== undefined && { standardError }),
        ...(testStandardError !== undefined && { testStandardError }),
      };
      return [key, { ...result, ...errors, ...(ofFolds !== undefined && { folds: ofFolds }) }];
    }),
  );
  return {
    all: [...results.values()],
    of: ({ number, precision }) => results.get(keyOf(number, precision ?? 'fp32')),
  };
}

/** The cross-validations of float networks, by trial and precision; those with fewer than two accuracies are left out. */
export function foldSummaries(store: Store): ReadonlyMap<string, FoldSummary> {
  return new Map(
    [...store.finals.folds()].flatMap(([trial, records]) => {
      const summary = summaryOf(records);
      return summary === null ? [] : [[keyOf(trial, 'fp32'), summary] as const];
    }),
  );
}

function summaryOf(records: readonly FoldRecord[]): FoldSummary | null {
  const accuracies = records.map(({ accuracy }) => accuracy);
  const known = accuracies.filter((accuracy) => accuracy !== null);
  if (known.length < 2) return null;
  const average = mean(known);
  const variance = sum(known.map((accuracy) => (accuracy - average) ** 2)) / (known.length - 1);
  return { folds: records[0].of, accuracies, mean: average, standardError: Math.sqrt(variance / known.length) };
}

/** The frontier by final accuracies: means of cross-validations where all networks have one, which int8 networks do not. */
function finalFrontier(
  store: Store,
  records: readonly FinalRecord[],
  folds: ReadonlyMap<string, FoldSummary>,
): ReadonlySet<string> {
  const trained = records.flatMap(({ trial, precision, accuracy }) =>
    accuracy === null ? [] : [{ trial, precision, accuracy }],
  );
  const ofFolds = trained.flatMap(({ trial, precision }) => {
    const summary = folds.get(keyOf(trial, precision));
    return summary === undefined ? [] : [{ trial, precision, accuracy: summary.mean }];
  });
  const known = ofFolds.length === trained.length ? ofFolds : trained;
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
