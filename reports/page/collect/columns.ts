import type { FinalRecord, TrialRecord, Store, StoredPrecision } from '../../../store/index.js';
import { storedPrecisions } from '../../../store/values.js';
import { RunEvidence } from '../../read-model/evidence.js';
import { foldSummaries } from '../../read-model/finals.js';
import { curveOf } from '../../read-model/member.js';
import { factsOf, type RunFacts } from '../../read-model/run.js';
import { candidatesOf, type Candidate, plainValues } from '../../../runner/stored/candidates.js';
import type { CandidateColumns, TrialCurves, TrialsAnswer } from '../api.js';

type TrialSelection = { readonly from: number; readonly limit: number } | readonly number[];

/** A column for each name that occurs in any row; null where a row has no value. */
function columnsOf<T, V>(
  rows: readonly T[],
  cellsOf: (row: T) => Readonly<Record<string, V>>,
): Record<string, (V | null)[]> {
  const columns = new Map<string, (V | null)[]>();
  for (const [i, row] of rows.entries())
    for (const [name, cell] of Object.entries(cellsOf(row))) {
      let column = columns.get(name);
      if (column === undefined) columns.set(name, (column = new Array<null>(rows.length).fill(null)));
      column[i] = cell;
    }
  return Object.fromEntries(columns);
}

/** Looks up the final training of a candidate. */
function finalsOf(store: Store): (row: Candidate) => FinalRecord | undefined {
  const finals = new Map(store.finals.all().map((final) => [`${final.trial} ${final.precision}`, final]));
  return ({ trial, precision }) => finals.get(`${trial.number} ${precision}`);
}

/** Rows without values for precisions that are not candidates: they replace rows of earlier messages. */
function withdrawn(trial: TrialRecord, candidates: readonly Candidate[]): Candidate[] {
  const isKnown = (precision: StoredPrecision): boolean => candidates.some((row) => row.precision === precision);
  if (trial.precision === 'fp32' && trial.variants.length === 0) return [];
  return storedPrecisions
    .filter((precision) => !isKnown(precision))
    .map((precision) => ({ trial, precision, values: {} }));
}

/**
 * Candidates as columns, ordered by trial number, the chosen precision first. Trials given by number also get rows of
 * withdrawn candidates. Takes about 25 ms for 1,000 trials in a run of any size.
 */
export function collectColumns(
  store: Store,
  trials: TrialSelection,
  { record: { createdAt }, enqueued }: RunFacts = factsOf(store),
  evidence = new RunEvidence(store),
): CandidateColumns {
  const rows =
    'from' in trials
      ? store.trials.range(trials.from, trials.limit).flatMap((trial) => candidatesOf(trial))
      : store.trials.some(trials).flatMap((trial) => {
          const candidates = candidatesOf(trial);
          return [...candidates, ...withdrawn(trial, candidates)];
        });
  const column = <V>(cell: (row: Candidate) => V): V[] => rows.map(cell);
  const after = (at: number | null): number | null => (at === null ? null : (at - createdAt) / 1000);
  const finalOf = finalsOf(store);
  const errorOf = (split: 'validation' | 'test', score: number | null | undefined, { trial, precision }: Candidate) =>
    evidence.errorOf(split, score ?? null, { number: trial.number, precision }) ?? null;
  const folds = foldSummaries(store);
  const foldsOf = ({ trial, precision }: Candidate) => folds.get(`${trial.number} ${precision}`);
  const valueColumns = columnsOf(rows, ({ values }) => values);
  const partOf = <V>(part: (cell: Candidate['values'][string]) => V) =>
    Object.fromEntries(
      Object.entries(valueColumns).map(([name, cells]) => [
        name,
        cells.map((cell) => (cell === null ? null : part(cell))),
      ]),
    );
  return {
    number: column(({ trial }) => trial.number),
    precision: column(({ precision }) => precision),
    chosen: column(({ trial, precision }) => precision === trial.precision),
    state: column(({ trial }) => trial.state),
    values: partOf(({ value }) => value),
    provenance: partOf(({ provenance }) => provenance),
    certainty: columnsOf(rows, ({ trial: { number }, precision, values }) =>
      evidence.isExact ? {} : (evidence.certaintyOf({ number, precision, values: plainValues(values) }) ?? {}),
    ),
    choices: columnsOf(rows, ({ trial }) => trial.choices),
    finalAccuracy: column((row) => finalOf(row)?.accuracy ?? null),
    finalError: column((row) => errorOf('validation', finalOf(row)?.accuracy, row)),
    testAccuracy: column((row) => finalOf(row)?.testAccuracy ?? null),
    testError: column((row) => errorOf('test', finalOf(row)?.testAccuracy, row)),
    foldAccuracy: column((row) => foldsOf(row)?.mean ?? null),
    foldError: column((row) => foldsOf(row)?.standardError ?? null),
    startedAfter: column(({ trial }) => after(trial.startedAt)),
    finishedAfter: column(({ trial }) => after(trial.finishedAt)),
    rejected: column(({ trial }) => trial.rejected),
    attempts: column(({ trial }) => trial.attempts),
    enqueued: column(({ trial }) => enqueued.get(trial.genotypeId) ?? null),
  };
}

/** Candidates of at most `limit` trials, starting with trial `from`. */
export function collectTrialsAnswer(
  store: Store,
  { from, limit }: { readonly from: number; readonly limit: number },
  facts?: RunFacts,
): TrialsAnswer {
  return store.reading(() => {
    const candidates = collectColumns(store, { from, limit }, facts);
    const total = store.overview.count();
    const next = (candidates.number.at(-1) ?? total) + 1;
    return { cursor: store.events.latest(), candidates, next: next < total ? next : null, total };
  });
}

export const collectCurves = (store: Store, trials: readonly number[]): TrialCurves[] =>
  store.reading(() =>
    trials.map((number) => ({
      number,
      search: curveOf(store, 'search', number),
      final: curveOf(store, 'final', number),
    })),
  );
